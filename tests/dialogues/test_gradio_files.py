"""Files of a pod's own, as it tells of them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialogues.gradio_events import gradio_call, gradio_stream
from gateway.dialogues.gradio_files import FileNames, GradioAnswers


def test_those_that_an_event_made() -> None:
    picture = {"path": '/tmp/g/"ü".png', "url": "http://pod/else"}
    forged = json.dumps({"path": "/etc/passwd"})
    told = json.dumps(
        {"msg": "process_completed", "event_id": "e", "output": {"data": ["x" * 20_000, picture, forged]}}
    )
    ear = gradio_stream().ear(("session:s",))
    assert ear is not None
    half = told.index('"/tmp') + 3
    assert ear.heard(b"data: " + told[:half].encode()) == []
    assert ear.heard(told[half:].encode() + b"\n\n") == [picture["path"]]
    other = gradio_call().ear(("event:e",))
    assert other is not None
    assert other.heard(b'event: complete\ndata: [{"path": "/tmp/a.png"}]\n\n') == ["/tmp/a.png"]


#: Gradio 3.41; the result of an MCP call, Gradio 5.49.
ANSWERS = {
    b'{"output":{"data":[[{"name":"C:\\\\t\\\\a.png","data":null,"is_file":true}]]}}': r"C:\t\a.png",
    b'{"name": "/outputs/00000-1.png?1796096149.96", "data": null}': "/outputs/00000-1.png",  # A1111 1.10
    b'{"text":"Image URL: http://h:1/gradio_api/file=/tmp/a%20b.webp"}],"isError":false}': "/tmp/a b.webp",
}


@pytest.mark.parametrize("answer", ANSWERS)
def test_however_the_answer_was_cut(answer: bytes) -> None:
    for cut in range(len(answer)):
        ear = GradioAnswers().ear(())
        assert [*ear.heard(b"x" * 3000 + answer[:cut]), *ear.heard(answer[cut:])] == [ANSWERS[answer]]
        assert not ear.wanted


def test_what_is_no_path_is_no_file() -> None:
    GradioAnswers().begun(object())
    assert FileNames().heard(b'{"name": "textbox", "path": "", "data": "/file="}') == []


@given(st.binary())
def test_no_bytes_make_it_raise(message: bytes) -> None:
    assert isinstance(FileNames().heard(b'"path": "' + message + b'"'), list)
    assert isinstance(FileNames().heard(b"/file=" + message + b'"'), list)
