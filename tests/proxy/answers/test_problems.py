"""Which failure has which status, and what the client is told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.core.records.decisions import Ending, Reason, Refusal
from gateway.proxy.answers.problems import Answer, Problem, is_page_load, problem_after, problem_for, render
from gateway.proxy.errors import (
    BadHandshake,
    BodyTooLarge,
    BodyTooSlow,
    ClientLeft,
    Denied,
    DeniedClick,
    EdgeError,
    ForeignOrigin,
    NoRoute,
    Refused,
    UnknownVersion,
)

FULL = problem_for(Refused(Refusal(Reason.LINE_FULL, 42), place=7))


def headers_of(answer: Answer) -> dict[bytes, bytes]:
    assert len(dict(answer.headers)) == len(answer.headers)
    return dict(answer.headers)


def told(problem: Problem, **options: Any) -> dict[str, Any]:
    content = json.loads(render(problem, request_id="4a", **options).body)
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize(
    ("error", "status", "close"),
    [
        (NoRoute("x"), 404, False),
        (Denied(), 403, False),
        (DeniedClick(), 403, False),
        (UnknownVersion(), 426, False),
        (BadHandshake(), 400, False),
        (ForeignOrigin(b"null", b"sd"), 403, False),
        (BodyTooLarge(10, 11), 413, True),
        (BodyTooSlow(0, 30), 408, True),
        (ClientLeft(Ending.CLIENT_LEFT_WAITING), 499, True),
    ],
)
def test_status_of_what_no_backend_answered(error: EdgeError, status: int, close: bool) -> None:
    problem = problem_for(error)
    assert (problem.status, problem.close, problem.retry_after) == (status, close, None)


@pytest.mark.parametrize("reason", Reason)
def test_every_refusal_is_a_503_that_says_when_to_come_back(reason: Reason) -> None:
    problem = problem_for(Refused(Refusal(reason, 17)))
    assert (problem.status, problem.reason, problem.retry_after) == (503, reason.value, 17)
    assert problem.detail.endswith("Nothing was started. Try again in 17 s.")
    assert problem.close is (reason is Reason.STOPPING)


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        (Ending.BACKEND_BROKE_BEFORE_ANSWER, 502),
        (Ending.BACKEND_BAD_ANSWER, 502),
        (Ending.BACKEND_SLOW_ANSWER, 504),
        (Ending.STOPPED_BEFORE_ANSWER, 504),
        (Ending.INTERNAL_ERROR, 500),
    ],
)
def test_what_was_started_is_never_said_to_be_safe_to_repeat(ending: Ending, status: int) -> None:
    problem = problem_after(ending)
    assert (problem.status, problem.retry_after) == (status, None)


def test_an_error_without_an_answer_is_a_defect() -> None:
    with pytest.raises(TypeError, match="no answer is known"):
        problem_for(EdgeError("new"))


def test_the_answer_to_programs() -> None:
    answer = render(FULL, request_id="4a", pool="sd", ours=[(b"server-timing", b"queue;dur=0")])
    assert answer.status == 503
    assert headers_of(answer) == {
        b"content-type": b"application/problem+json",
        b"content-length": str(len(answer.body)).encode(),
        b"cache-control": b"no-store",
        b"x-content-type-options": b"nosniff",
        b"x-request-id": b"4a",
        b"retry-after": b"42",
        b"x-queue-position": b"7",
        b"server-timing": b"queue;dur=0",
    }
    assert json.loads(answer.body) == {
        "type": "urn:problem-type:gateway:line_full",
        "title": "The line is full",
        "status": 503,
        "detail": FULL.detail,
        "reason": "line_full",
        "retry_after": 42,
        "position": 7,
        "pool": "sd",
        "request_id": "4a",
    }


def test_a_refusal_has_members_in_the_words_of_the_backend_besides() -> None:
    said = told(FULL, also={"error": {"message": FULL.title}, "node_errors": {}})
    assert (said["reason"], said["error"], said["node_errors"]) == ("line_full", {"message": FULL.title}, {})


def test_what_is_not_known_is_left_out() -> None:
    assert told(problem_for(Denied())).keys() == {"type", "title", "status", "detail", "reason", "request_id"}


def test_the_connection_ends_when_the_body_was_not_read() -> None:
    assert b"connection" not in headers_of(render(FULL, request_id="4a"))
    assert headers_of(render(FULL, request_id="4a", body_unread=True))[b"connection"] == b"close"
    assert headers_of(render(problem_for(BodyTooSlow(0, 30)), request_id="4a"))[b"connection"] == b"close"


def test_texts_say_what_was_found_and_what_was_expected() -> None:
    assert "10,000 bytes here; this one has 12,345." in problem_for(BodyTooLarge(10_000, 12_345)).detail
    assert "10,000 bytes here; more than that came." in problem_for(BodyTooLarge(10_000)).detail
    assert "1,024 bytes of the body came in the 31.4 seconds" in problem_for(BodyTooSlow(1024, 31.4)).detail
    foreign = problem_for(ForeignOrigin(b"https://evil.example", b"sd.example:8080"))
    for told in (foreign.detail, foreign.evidence):
        assert 'of "https://evil.example", which is not the host asked for ("sd.example:8080")' in told
        assert "allowed_origins" in told
    assert '"nobody.example.com"' in problem_for(NoRoute("nobody.example.com")).detail


def test_evidence_is_shown_and_long_strings_are_cut() -> None:
    dead = problem_for(Refused(Refusal(Reason.STARTS_FAIL, 8, "exit code 1: CUDA out of memory")))
    assert 'Seen: "exit code 1: CUDA out of memory".' in dead.detail
    assert len(problem_for(Refused(Refusal(Reason.STARTS_FAIL, 8, "x" * 9000))).detail) < 800
    assert len(problem_for(NoRoute("x" * 9000)).detail) < 300


def test_the_answer_to_people() -> None:
    answer = render(FULL, request_id="4a", for_people=True, pool="sd")
    assert headers_of(answer)[b"content-type"] == b"text/html; charset=utf-8"
    assert headers_of(answer)[b"content-length"] == str(len(answer.body)).encode()
    assert b"<h1>The line is full</h1>" in answer.body


@pytest.mark.parametrize(
    ("method", "accept", "page"),
    [
        ("GET", b"text/html,application/xhtml+xml,*/*;q=0.8", True),
        ("GET", b"Text/HTML", True),
        ("GET", b"*/*", False),
        ("GET", None, False),
        ("POST", b"text/html", False),
    ],
)
def test_pages_are_for_page_loads(method: str, accept: bytes | None, page: bool) -> None:
    assert is_page_load(method, accept) is page
