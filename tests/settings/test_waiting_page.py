"""`cold_start.page`, as it is written in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.settings.waiting_page import LONGEST, PageFile, parse_page

if TYPE_CHECKING:
    from pathlib import Path


def test_words_are_themselves_and_a_path_is_what_stands_there(tmp_path: Path) -> None:
    own = tmp_path / "page.html"
    own.write_text("<head>$follow</head>Bald …", encoding="utf-8")
    assert [parse_page("auto"), parse_page("off")] == ["auto", "off"]
    assert parse_page(str(own)) == PageFile(str(own), "<head>$follow</head>Bald …")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, r"a page that can be read \(No such file"),
        (b"\xff$follow", "UTF-8"),
        (b"<head></head>", "would not go on by itself"),
        (b"$follow" + b" " * LONGEST, "at most 1,048,576 bytes"),
    ],
)
def test_what_cannot_be_a_page(tmp_path: Path, content: bytes | None, expected: str) -> None:
    own = tmp_path / "page.html"
    if content is not None:
        own.write_bytes(content)
    with pytest.raises(ValueError, match=expected):
        parse_page(str(own))


@pytest.mark.parametrize("value", [False, None, 3, ""])
def test_what_is_no_path(value: object) -> None:
    with pytest.raises(ValueError, match="auto, off or the path of a page"):
        parse_page(value)
