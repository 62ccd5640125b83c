"""What a span says of its request, and what it must not."""

from __future__ import annotations

import json

import pytest

from gateway.core.records.decisions import Ending
from gateway.logs.access_log import AccessLog
from gateway.tracing.attributes import attributes_of, cut, failure_of, name_of
from tests.doubles.records import served, unrouted

#: Of the access line: what OpenTelemetry has names of its own for, and what a span has anyway.
ELSEWHERE = {"client", "method", "host", "target", "status", "bytes_in", "bytes_out", "event", "total", "timestamp"}


def test_it_says_what_the_access_line_says_under_the_same_names() -> None:
    lines: list[str] = []
    record = served(detail="slow")
    AccessLog(lines.append).observe(record)
    line = json.loads(lines[0])
    said = attributes_of(record, "https")
    assert {f"gateway.{name}": line[name] for name in line.keys() - ELSEWHERE}.items() <= said.items()
    assert {name: value for name, value in said.items() if not name.startswith("gateway.")} == {
        "http.request.method": "POST",
        "url.scheme": "https",
        "url.path": "/sdapi/v1/txt2img",
        "server.address": "sd.example.com",
        "client.address": "198.51.100.7",
        "http.response.status_code": 200,
        "http.request.body.size": 25,
        "http.response.body.size": 1_000_000,
    }


def test_what_there_is_nothing_to_say_of_is_not_there() -> None:
    said = attributes_of(unrouted(host=""), "http")
    assert not said.keys() & {"server.address", "gateway.pool", "gateway.lane", "gateway.place", "gateway.receipt"}
    assert None not in said.values()


@pytest.mark.parametrize(
    ("target", "path"),
    [
        (b"/show?key=secret", "/show"),
        (b"http://user:secret@sd.example.com/show?key=secret", "/show"),
        (b"http://sd.example.com", "/"),
        (b"*", "*"),
        (b"/a?b=http://c/d", "/a"),
        (b"/" + b"a" * 600, "/" + "a" * 511),
    ],
)
def test_a_path_has_no_query_no_user_and_an_end(target: bytes, path: str) -> None:
    assert attributes_of(served(target=target), "http")["url.path"] == path


def test_strings_of_clients_are_cut_and_can_be_sent() -> None:
    said = attributes_of(served(host="h" * 300 + ":80", client="c" * 200, detail="\udcff" * 600), "http")
    assert [len(str(said[name])) for name in ("server.address", "client.address", "gateway.detail")] == [255, 128, 512]
    assert cut("\udcff!", 9) == "?!"


def test_methods_that_clients_make_up_name_nothing() -> None:
    assert (name_of("POST"), name_of("BREW")) == ("POST", "HTTP")
    assert attributes_of(served(method="BREW"), "http")["http.request.method"] == "_OTHER"


@pytest.mark.parametrize(
    ("ending", "status", "detail", "failure"),
    [
        (Ending.SERVED, 200, "", None),
        (Ending.SERVED, 404, "", None),
        (Ending.SERVED, 500, "", ("500", "the backend answered 500")),
        (Ending.NO_ROUTE, 404, "", None),
        (Ending.ANSWERED_HERE, 200, "", None),
        (Ending.NOT_YOURS, 200, "", None),
        (Ending.CLIENT_LEFT_WAITING, 499, "", None),
        (Ending.REFUSED, 503, "line_full", ("refused", "line_full")),
        (Ending.BACKEND_SLOW_ANSWER, 504, "", ("backend_slow_answer", "backend slow answer")),
        (Ending.BACKEND_BROKE_IN_ANSWER, 200, "reset", ("backend_broke_in_answer", "reset")),
        (None, None, "", None),
    ],
)
def test_what_went_wrong(ending: Ending | None, status: int | None, detail: str, failure: tuple[str, str]) -> None:
    assert failure_of(served(ending=ending, status=status, detail=detail)) == failure
