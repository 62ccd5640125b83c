"""A picture drawn from a prompt and a seed, as PNG bytes: bands of three colours, bent by two waves.

Knows nothing of requests. The picture is a pure function of its arguments and costs a few milliseconds: a stand-in
must not spend the processor that the tests need.
"""

from __future__ import annotations

import hashlib
import math
import struct
import zlib

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_EIGHT_BIT_RGB = bytes([8, 2, 0, 0, 0])  # depth, colour type, deflate, adaptive filters, not interlaced


def paint(prompt: str, seed: int, width: int, height: int, description: str = "") -> bytes:
    """The picture, with `description` as its `parameters` text, where A1111 keeps a picture's settings."""
    digest = hashlib.sha256(f"{seed}\0{prompt}".encode(errors="replace")).digest()
    header = struct.pack(">II", width, height) + _EIGHT_BIT_RGB
    text = b"parameters\0\0\0\0\0" + description.encode(errors="replace")  # not compressed, no language
    return b"".join(
        (
            _SIGNATURE,
            _chunk(b"IHDR", header),
            _chunk(b"iTXt", text),
            _chunk(b"IDAT", zlib.compress(_rows(digest, width, height), level=1)),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _rows(digest: bytes, width: int, height: int) -> bytes:
    """Every row is a slice of one long line of colours, moved sideways by the waves: no work for a single pixel."""
    slow, fast = 30 + digest[9] / 2, 9 + digest[10] / 16  # rows in a radian
    swing = 40 + digest[11] // 4  # pixels to each side, of the two waves together
    line = _colours(digest, width + 2 * swing)
    rows = bytearray()
    for y in range(height):
        left = 3 * int(swing + swing * (2 * math.sin(y / slow) + math.sin(y / fast)) / 3)
        rows += b"\0"  # filter: none
        rows += line[left : left + 3 * width]
    return bytes(rows)


def _colours(digest: bytes, length: int) -> bytes:
    """A line of pixels that goes round and round through three colours."""
    corners = (digest[0:3], digest[3:6], digest[6:9])
    period = 90 + digest[12]  # pixels from one colour back to itself
    line = bytearray()
    for x in range(length):
        corner, part = divmod(x % period * 3 / period, 1.0)
        blend = part * part * (3 - 2 * part)  # slow at the corners, so that the bands have a body
        here, there = corners[int(corner)], corners[(int(corner) + 1) % 3]
        line += bytes(int(a + (b - a) * blend) for a, b in zip(here, there, strict=True))
    return bytes(line)
