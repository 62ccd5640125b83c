"""Which protocols are spoken."""

from __future__ import annotations

from gateway.dialogues.registry import DIALOGUES, dialogues
from gateway.profiles.comfyui import COMFY_JOB, COMFY_UPLOAD
from gateway.profiles.gradio import GRADIO_CALL, GRADIO_STREAM, GRADIO_UPLOAD


def test_each_pool_has_its_own_of_each() -> None:
    one, other = dialogues(), dialogues()
    assert one.keys() == other.keys() == DIALOGUES.keys()
    assert all(one[name] is not other[name] for name in one)


def test_they_have_the_names_that_profiles_use() -> None:
    assert {COMFY_JOB, COMFY_UPLOAD, GRADIO_CALL, GRADIO_STREAM, GRADIO_UPLOAD} == DIALOGUES.keys()
