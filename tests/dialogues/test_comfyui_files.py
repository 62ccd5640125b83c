"""Files that ComfyUI's answers name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialogues.comfyui_files import error_in, files_in
from gateway.names import file_name

IMAGE = {"filename": "a.png", "subfolder": "x/y", "type": "temp"}


def outputs(value: Any) -> bytes:
    return json.dumps({"p": {"outputs": value}}).encode()


@pytest.mark.parametrize(
    ("history", "files"),
    [
        (outputs({"9": {"images": [IMAGE, {**IMAGE, "filename": "b.png"}]}}), ["a.png", "b.png"]),
        (outputs({"9": {"gifs": [IMAGE | {"format": "video/mp4"}]}, "10": {"text": ["a"], "n": 1}}), ["a.png"]),
        (outputs({"9": {"images": [{"filename": "a.png"}, {"filename": 5, "subfolder": "", "type": "temp"}]}}), []),
        (outputs(None), []),
        (b'{"p": []}', []),
        (b"[]", []),
        (b"{", []),
        (b"[" * 100_000, []),
    ],
)
def test_the_files_that_a_prompt_made(history: bytes, files: list[str]) -> None:
    assert list(files_in(history)) == [file_name(file, "x/y", "temp") for file in files]


@given(st.binary() | st.recursive(st.text() | st.none(), lambda some: st.dictionaries(st.text(), some)).map(outputs))
def test_whatever_a_pod_says_nothing_is_raised(history: bytes) -> None:
    list(files_in(history))
    error_in(history)


def status(said: str, *messages: object) -> bytes:
    return json.dumps(
        {"p": {"outputs": {}, "status": {"status_str": said, "completed": False, "messages": messages}}}
    ).encode()


@pytest.mark.parametrize(
    ("history", "error"),
    [
        # The shapes of execution.py in ComfyUI 0.3.64.
        (
            status(
                "error",
                ["execution_start", {}],
                [
                    "execution_error",
                    {"exception_type": "torch.OutOfMemoryError", "exception_message": "CUDA out of\nx"},
                ],
            ),
            "torch.OutOfMemoryError: CUDA out of",
        ),
        (status("error", ["execution_start", {}], ["execution_interrupted", {"executed": []}]), ""),  # by its owner
        (status("success", ["execution_success", {}]), ""),
        (status("error", ["execution_error", {"exception_type": None}]), ""),
        (status("error", ["execution_error", {"exception_type": "E" * 500}]), "E" * 200),
        (status("error"), ""),
        (b'{"p": {"status": null}}', ""),
    ],
)
def test_how_a_prompt_broke(history: bytes, error: str) -> None:
    assert error_in(history) == error
