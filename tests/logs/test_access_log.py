"""The line that each ended request leaves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.core.records.decisions import Ending
from gateway.core.views.record import RequestRecord
from gateway.logs.access_log import AccessLog
from tests.doubles.records import served, unrouted


def line(record: RequestRecord, *, console: bool = False) -> str:
    lines: list[str] = []
    AccessLog(lines.append, console=console).observe(record)
    (only,) = lines
    return only


def fields(record: RequestRecord) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(line(record))
    return read


def test_a_request_served_tells_its_whole_story() -> None:
    told = fields(served())

    assert told.pop("timestamp").endswith("Z")
    assert told == {
        "event": "request",
        "request_id": "5f0c8ad2",
        "client": "198.51.100.7",
        "method": "POST",
        "host": "sd.example.com",
        "target": "/sdapi/v1/txt2img",
        "status": 200,
        "code": "--",
        "outcome": "served",
        "pool": "sd",
        "lane": "counted",
        "backend": "gpu-0",
        "session": "9b1d2c",
        "key": "alice",
        "place": 2,
        "receipt": "counted; gpu-0 busy; gpu-0 became free",
        "turns": 1,
        "wait": 0.5,
        "service": 12.25,
        "total": 12.75,
        "bytes_in": 25,
        "bytes_out": 1_000_000,
        "detail": "",
    }


def test_the_same_keys_whatever_happened() -> None:
    unfinished = RequestRecord(request_id="1", client="", method="GET", target=b"", host="")
    for record in (unrouted(), served(ending=Ending.BACKEND_BROKE_IN_ANSWER, detail="reset by peer"), unfinished):
        assert fields(record).keys() == fields(served()).keys()


def test_what_is_not_known_is_null() -> None:
    told = fields(unrouted())

    assert (told["pool"], told["lane"], told["backend"], told["service"]) == (None, None, None, None)
    assert (told["status"], told["code"], told["outcome"]) == (404, "PR", "refused")


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"/plain?a=%20%0a", "/plain?a=%20%0a"),
        (b"/\x1b[2J\r\n\x00\x7f", r"/\x1b[2J\r\n\x00\x7f"),
        (b"/caf\xc3\xa9", r"/caf\xc3\xa9"),
        (rb"/\x1b", r"/\\x1b"),  # four characters of the client's: not to be taken for an escape of ours
        (b'/"status":200', '/"status":200'),
    ],
)
def test_a_target_is_shown_in_printable_ascii(sent: bytes, shown: str) -> None:
    assert fields(served(target=sent))["target"] == shown


def test_no_client_string_breaks_the_line_or_reaches_a_terminal_raw() -> None:
    evil = '\x1b]0;owned\x07\n\r\u2028\udc80é"'
    record = served(request_id=evil, client=evil, method=evil, host=evil, detail=evil, target=evil[:4].encode())
    for console in (False, True):
        shown = line(record, console=console)
        assert shown.isascii()
        assert shown.isprintable()
    assert fields(record)["host"] == r"\x1b]0;owned\x07\n\r\u2028\udc80\xe9" + '"'


def test_client_strings_are_capped() -> None:
    told = fields(served(target=b"/" + b"a" * 600, host="h" * 300, request_id="r" * 200, method="M" * 128))

    assert told["target"] == "/" + "a" * 511 + "..."
    assert told["host"] == "h" * 255 + "..."
    assert told["request_id"] == "r" * 128 + "..."
    assert told["method"] == "M" * 128


def test_for_people_a_line_says_only_what_is_known() -> None:
    shown = line(unrouted(), console=True)

    assert "status=404" in shown
    assert "code=PR" in shown
    assert "host=nobody.example.com" in shown
    assert "pool=" not in shown
