"""Which files an answer names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialogues.comfyui_files import comfyui_history, comfyui_uploads
from gateway.dialogues.gradio_files import gradio_uploads

GRADIO = b'["/tmp/a.png", "/tmp/b.png"]\n'
COMFYUI = b'{"name": "cat.png", "subfolder": "", "type": "input"}'
IMAGES = b'{"9": {"images": [{"filename": "cat.png", "subfolder": "", "type": "output"}]}}'
HISTORY = b'{"p-1": {"prompt": [0, "p-1", {"1": {"name": "x", "type": "y"}}], "outputs": %b, "status": {}}}' % IMAGES
JOB = b'{"id": "p-1", "outputs": %b, "status": "completed"}' % IMAGES


@pytest.mark.parametrize("cut", [0, 1, 14, 16, 27])
def test_those_that_it_was_sent_are_known_with_the_last_piece(cut: int) -> None:
    sent = (
        (gradio_uploads, GRADIO, ["/tmp/a.png", "/tmp/b.png"]),
        (comfyui_uploads, COMFYUI, ["file:input//cat.png"]),
        (comfyui_history, HISTORY, ["file:output//cat.png"]),
        (comfyui_history, JOB, ["file:output//cat.png"]),
    )
    for uploads, answer, files in sent:
        ear = uploads().ear(())
        assert (ear.wanted, ear.heard(answer[:cut]), ear.heard(answer[cut:])) == (False, [], files)


@pytest.mark.parametrize("uploads", [gradio_uploads, comfyui_uploads, comfyui_history])
@pytest.mark.parametrize(
    "answer", [b'{"detail": ["x"]}', b'{"a": [1]', b"[" * 70_000 + b"]", b"{" * 70_000 + b"}", b"nonsense]", b"5"]
)
def test_an_answer_that_names_none(uploads: type, answer: bytes) -> None:
    dialogue = uploads()
    dialogue.begun(object())
    assert dialogue.ear(()).heard(answer) == []


@given(st.binary())
def test_no_bytes_make_it_raise(answer: bytes) -> None:
    for uploads in (gradio_uploads, comfyui_uploads, comfyui_history):
        assert isinstance(uploads().ear(()).heard(answer + b"]"), list)
