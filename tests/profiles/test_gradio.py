"""What is known of Gradio's own protocol."""

from __future__ import annotations

import pytest

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles.gradio import gradio
from gateway.profiles.treatment import Asked

HEAVY = [
    *("POST /queue/join", "POST /run/predict", "POST /api/predict", "POST /call/predict", "POST /component_server"),
    *("POST /anything", "GET /anything", "POST /mcp/messages"),
]
LIGHT = [
    *("GET /config", "GET /info", "GET /file=/tmp/a.png", "POST /upload", "POST /cancel", "POST /reset"),
    *("GET /file=%2Ftmp%2Fa%20b.png", "GET /file=C%3A%5Ctmp%5Ca.png", "GET /file=C:/tmp//a.png", "HEAD /file=%2ftmp"),
]
POLLED = ["GET /queue/data", "GET /heartbeat/s1", "GET /queue/status", "GET /call/predict/e1", "GET /upload_progress"]


@pytest.mark.parametrize("prefix", ["", "/gradio_api"])
@pytest.mark.parametrize(("requests", "lane"), [(HEAVY, Lane.COUNTED), (LIGHT, Lane.EXEMPT), (POLLED, Lane.PASSIVE)])
def test_lanes(prefix: str, requests: list[str], lane: Lane) -> None:
    treat = gradio().treat
    asked = [(method, prefix + path) for method, path in (request.split(" ") for request in requests)]
    assert {path: treat(method, path.encode()).lane for method, path in asked} == {path: lane for _, path in asked}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_page_itself_takes_no_slot(method: str) -> None:
    assert gradio().treat(method, b"/").lane is Lane.EXEMPT


@pytest.mark.parametrize(
    ("path", "dialogue"),
    [
        (b"/queue/join", "gradio_stream"),
        (b"/gradio_api/queue/join", "gradio_stream"),
        (b"/gradio_api/call/predict", "gradio_call"),
        (b"/call/predict", "gradio_call"),
        (b"/run/predict", None),  # its answer is its end
        (b"/gradio_api/api/predict", None),
    ],
)
def test_which_events_outlast_their_request(path: bytes, dialogue: str | None) -> None:
    more = gradio().treat("POST", path).more
    assert more is not None
    assert more.ask is not None
    treatment = more.ask(Asked("POST", path, body=b'{"session_hash": "s1"}'))
    assert (treatment.lane, treatment.when_busy) == (Lane.COUNTED, WhenBusy.WAIT)
    assert treatment.more is not None
    assert (treatment.more.dialogue, treatment.more.session_keys) == (dialogue, ("session:s1",))


@pytest.mark.parametrize(("method", "path"), [("GET", b"/heartbeat/s1"), ("POST", b"/gradio_api/cancel")])
def test_what_belongs_to_an_event_names_its_session(method: str, path: bytes) -> None:
    treatment = gradio().treat(method, path)
    assert treatment.more is not None
    assert treatment.more.ask is not None
    keyed = treatment.more.ask(Asked(method, path, body=b'{"session_hash": "s1"}'))
    assert keyed.lane is treatment.lane
    assert keyed.more is not None
    assert keyed.more.session_keys == ("session:s1",)


@pytest.mark.parametrize(
    ("status", "body", "up"),
    [
        (200, b'{"version": "5.49.1"}', True),
        (401, b'{"detail":"Not authenticated"}', True),
        (200, b'{"version": "5.49.1", "components": [', True),  # cut off by the probe
        (404, b'{"detail":"Not Found"}', False),
        (200, b"<html>version</html>", False),
        (200, b"5", False),
        (500, b'{"version": 1}', False),
    ],
)
def test_it_is_ready_when_its_configuration_is_there(status: int, body: bytes, up: bool) -> None:
    assert gradio().readiness.accepts(status, body) is up


def test_it_cannot_be_asked_whether_it_works() -> None:
    assert gradio().idle is None
    assert gradio().works_after_disconnect


@pytest.mark.parametrize(
    ("path", "dialogue"),
    [
        (b"/queue/data", "gradio_stream"),
        (b"/gradio_api/queue/data", "gradio_stream"),
        (b"/gradio_api/call/predict/e1", "gradio_call"),
        (b"/call/predict/e1", "gradio_call"),
        (b"/heartbeat/s1", None),
        (b"/upload_progress", None),
    ],
)
def test_which_streams_tell_of_the_ends_of_events(path: bytes, dialogue: str | None) -> None:
    more = gradio().treat("GET", path).more
    assert more is not None
    assert more.ask is not None
    treatment = more.ask(Asked("GET", path, b"session_hash=s1"))
    assert treatment.lane is Lane.PASSIVE
    assert treatment.more is not None
    assert treatment.more.dialogue == dialogue
