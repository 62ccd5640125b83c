"""Files of a pod's own, as it tells of them."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gateway.dialogues.gradio_events import gradio_call, gradio_stream
from gateway.dialogues.gradio_files import files_in


def test_those_that_an_event_made() -> None:
    picture = {"path": '/tmp/g/"ü".png', "url": "http://pod/file=/tmp/g/x.png"}
    forged = json.dumps({"path": "/etc/passwd"})
    told = json.dumps({"msg": "process_completed", "event_id": "e", "output": {"data": [picture, forged]}})
    ear = gradio_stream().ear(("session:s",))
    assert ear is not None
    half = len(told) // 2
    assert ear.heard(b"data: " + told[:half].encode()) == []
    assert ear.heard(told[half:].encode() + b"\n\n") == [picture["path"]]
    other = gradio_call().ear(("event:e",))
    assert other is not None
    assert other.heard(b'event: complete\ndata: [{"path": "/tmp/a.png"}]\n\n') == ["/tmp/a.png"]


@given(st.binary())
def test_no_bytes_make_it_raise(message: bytes) -> None:
    assert isinstance(files_in(b'"path": "' + message), list)
