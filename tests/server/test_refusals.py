"""How the listening side says no."""

from __future__ import annotations

import json

from gateway.server import refusals
from gateway.server.refusals import BAD_METHOD, MALFORMED, refusal_answer


def test_a_refusal_is_a_whole_problem_answer() -> None:
    head, _, body = refusal_answer(MALFORMED, "4a-1", b"date: today").partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 400 Bad Request",
        b"content-type: application/problem+json",
        b"content-length: %d" % len(body),
        b"x-request-id: 4a-1",
        b"date: today",
        b"connection: close",
    ]
    assert json.loads(body) == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": MALFORMED.detail,
        "request_id": "4a-1",
    }


def test_a_refused_method_is_told_the_others() -> None:
    assert b"\r\nallow: GET, HEAD, POST," in refusal_answer(BAD_METHOD, "4a-1", b"date: today")


def test_every_refusal_is_listed_for_the_metrics() -> None:
    assert list(refusals.REFUSALS) == [each for each in vars(refusals).values() if isinstance(each, refusals.Refusal)]
