"""Which protocols are spoken."""

from __future__ import annotations

from gateway.dialogues.registry import DIALOGUES, dialogues
from gateway.profiles.comfyui import COMFY_HISTORY, COMFY_JOB, COMFY_UPLOAD
from gateway.profiles.gradio import GRADIO_CALL, GRADIO_STREAM, GRADIO_UPLOAD
from gateway.profiles.gradio_files import GRADIO_ANSWER
from gateway.profiles.mcp import MCP_SESSION


def test_each_pool_has_its_own_of_each() -> None:
    one, other = dialogues(), dialogues()
    assert one.keys() == other.keys() == DIALOGUES.keys()
    assert all(one[name] is not other[name] for name in one)


def test_they_have_the_names_that_profiles_use() -> None:
    gradio = {GRADIO_ANSWER, GRADIO_CALL, GRADIO_STREAM, GRADIO_UPLOAD}
    assert {COMFY_HISTORY, COMFY_JOB, COMFY_UPLOAD, MCP_SESSION, *gradio} == DIALOGUES.keys()
