"""What is known of applications of Gradio 3."""

from __future__ import annotations

import pytest

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles.gradio import gradio
from gateway.profiles.gradio3 import gradio3
from gateway.profiles.treatment import Asked, Treatment

HEAVY = [
    *("GET /queue/join", "POST /run/predict", "POST /api/paint", "POST /anything", "GET /anything"),
    "POST /queue/join",
]
LIGHT = [
    *("GET /", "GET /config", "GET /assets/index.js", "GET /file=%2Ftmp%2Fa.png", "POST /upload", "POST /reset"),
    *("OPTIONS /run/predict", "HEAD /file=C:%5Ca.png"),
]
POLLED = ["GET /queue/status", "GET /stream/s/1/2/playlist.m3u8"]


@pytest.mark.parametrize(("requests", "lane"), [(HEAVY, Lane.COUNTED), (LIGHT, Lane.EXEMPT), (POLLED, Lane.PASSIVE)])
def test_lanes(requests: list[str], lane: Lane) -> None:
    asked = [(method, path.encode()) for method, path in (request.split(" ") for request in requests)]
    assert {path: gradio3().treat(method, path).lane for method, path in asked} == {path: lane for _, path in asked}


def event(method: str, path: bytes, body: bytes) -> Treatment:
    more = gradio3().treat(method, path).more
    assert more is not None
    assert more.ask is not None
    treatment = more.ask(Asked(method, path, body=body))
    assert (treatment.lane, treatment.when_busy) == (Lane.COUNTED, WhenBusy.WAIT)
    return treatment


EVENT = b'{"fn_index": 2, "session_hash": "s1", "data": ["x", {"name": "/tmp/g/a.png", "is_file": true}]}'


def test_an_event_on_the_socket_is_a_job_whatever_it_calls() -> None:
    more = event("GET", b"/queue/join", EVENT).more
    assert more is not None
    assert (more.dialogue, more.session_keys, more.files) == ("gradio_socket", ("session:s1",), ("/tmp/g/a.png",))
    assert more.click is None


def test_of_one_that_is_posted_the_backend_says_whether_it_is_light() -> None:
    more = event("POST", b"/run/halt", EVENT).more
    assert more is not None
    assert more.click is not None
    assert (more.click.number, more.click.name, more.click.control) == (2, "halt", None)
    assert (more.session_keys, more.answer, more.dialogue) == (("session:s1",), "gradio_answer", None)


@pytest.mark.parametrize("body", [b'{"fn_index": 3, "fn_index": 2}', b'{"fn_index": 3', b"", b"\xff"])
def test_a_call_that_cannot_be_seen_for_sure_is_a_job(body: bytes) -> None:
    more = event("POST", b"/run/halt", body).more
    assert more is not None
    assert more.click is not None
    assert not more.click.sure


def test_each_version_has_its_profile_and_the_other_says_so() -> None:
    old, new = b'{"version":"3.41.2","mode":"blocks"}', b'{"version":"4.44.1","mode":"blocks"}'
    readiness = gradio3().readiness
    assert [readiness.accepts(200, said) for said in (old, new, b"<html>")] == [True, False, False]
    assert [gradio().readiness.accepts(200, said) for said in (old, new)] == [False, True]
    assert readiness.accepts(401, b'{"detail":"Not authenticated"}')
    assert readiness.hint(200, new) == "this is Gradio 4.44.1: profile gradio"
    assert gradio().readiness.hint(200, old) == "this is Gradio 3.41.2: profile gradio3, or a web UI's own"
    assert {readiness.hint(404, b"{}"), gradio().readiness.hint(404, b"{}")} == {""}
