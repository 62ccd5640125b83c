"""Keys that hold together what belongs to one page or one event."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.profiles.bodies import look
from gateway.profiles.gradio_events import called_function, event_of, session_keys
from gateway.profiles.treatment import Asked


@pytest.mark.parametrize(
    ("asked", "keys"),
    [
        (Asked("POST", b"/queue/join", body=b'{"data": [], "session_hash": "s1"}'), ("session:s1",)),
        (Asked("GET", b"/queue/data", b"a=1&session_hash=s1"), ("session:s1",)),
        (Asked("GET", b"/gradio_api/heartbeat/s1"), ("session:s1",)),
        (Asked("GET", b"/heartbeat/s1"), ("session:s1",)),
        (Asked("GET", b"/gradio_api/stream/s1/2/3/playlist.m3u8"), ("session:s1",)),
        (Asked("POST", b"/gradio_api/call/predict", body=b'{"data": []}'), ()),
        (Asked("GET", b"/gradio_api/call/predict/e1"), ("event:e1",)),
        (Asked("GET", b"/call/predict/v2/e1"), ("event:e1",)),
        (Asked("POST", b"/cancel", body=b'{"session_hash": "s1", "event_id": "e1"}'), ("session:s1", "event:e1")),
        (Asked("GET", b"/queue/data", b"session_hash=" + b"x" * 200), ()),
        (Asked("GET", b"/queue/data", b"session_hash=s1&" + b"x" * 5000), ()),
        (Asked("GET", b"/queue/data", b"session_hash="), ()),
        (Asked("POST", b"/cancel", body=b'{"session_hash": 5}'), ()),
    ],
)
def test_keys(asked: Asked, keys: tuple[str, ...]) -> None:
    assert session_keys(asked) == keys


@given(st.binary(), st.binary(), st.binary())
def test_no_bytes_make_it_raise(path: bytes, query: bytes, body: bytes) -> None:
    assert session_keys(Asked("GET", path, b"session_hash=" + query, body)) is not None
    assert event_of(body) is None


def test_the_event_that_an_answer_names() -> None:
    assert event_of(b'{"event_id": "e1"}') == "e1"
    for answer in (b"{}", b"[]", b'{"event_id": 1}', b'{"event_id": ""}', b"[" * 100_000):
        assert event_of(answer) is None


@pytest.mark.parametrize("said", ["12", "12.0", '"12"', '"12.0"', '" 12.00 "', '"1_2"', '"+12"'])
def test_a_number_is_read_as_generously_as_the_server_reads_it(said: str) -> None:
    """pydantic 2.13, in an `int` of a body."""
    body = b'{"fn_index": %b}' % said.encode()
    asked = Asked("POST", b"/queue/join", body=body)
    assert called_function(asked, look(body, ("fn_index",).__eq__, 1)) == (12, "predict")
