"""The painted picture is a PNG that any decoder takes, and depends on what was asked for alone."""

from __future__ import annotations

import struct
import zlib

import pytest

from gateway.demo.png import paint


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG, each with its checksum verified."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found, at = [], 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, data = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length) == (zlib.crc32(kind + data),)
        found.append((kind, data))
        at += 12 + length
    assert at == len(png)
    return found


@pytest.mark.parametrize(("width", "height"), [(512, 512), (8, 2048), (2048, 8), (1, 1)])
def test_it_is_a_whole_png_of_the_asked_size(width: int, height: int) -> None:
    parts = dict(chunks(paint("pretty dog", 7, width, height)))
    assert list(parts) == [b"IHDR", b"iTXt", b"IDAT", b"IEND"]
    assert struct.unpack(">IIBBBBB", parts[b"IHDR"]) == (width, height, 8, 2, 0, 0, 0)
    rows = zlib.decompress(parts[b"IDAT"])
    assert len(rows) == height * (1 + 3 * width)
    assert not any(rows[:: 1 + 3 * width])  # every row's filter is "none"


def test_it_depends_on_prompt_and_seed_alone() -> None:
    dog = paint("pretty dog", 7, 64, 64)
    assert dog == paint("pretty dog", 7, 64, 64)
    assert dog != paint("pretty dog", 8, 64, 64)
    assert dog != paint("pretty cat", 7, 64, 64)


def test_its_settings_are_in_it_whatever_the_client_wrote() -> None:
    text = dict(chunks(paint("\ud800", 0, 8, 8, description="ein schöner Hund \ud800")))[b"iTXt"]
    assert text == b"parameters\0\0\0\0\0" + "ein schöner Hund ?".encode()
