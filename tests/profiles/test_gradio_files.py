"""A pod's own files, as requests name them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.profiles.gradio import gradio
from gateway.profiles.gradio_files import fetched_file
from gateway.profiles.treatment import Asked


def files_of(method: str, path: bytes, body: bytes = b"") -> tuple[str, ...]:
    more = gradio().treat(method, path).more
    assert more is not None
    assert more.ask is not None
    treatment = more.ask(Asked(method, path, body=body))
    assert treatment.more is not None
    return treatment.more.files


@pytest.mark.parametrize("route", [b"/file=", b"/gradio_api/file="])
def test_one_that_is_fetched(route: bytes) -> None:
    assert files_of("GET", route + b"/tmp/gradio/1/a%20b.png") == ("/tmp/gradio/1/a b.png",)


@pytest.mark.parametrize("path", [b"/queue/join", b"/gradio_api/call/predict"])
def test_those_that_are_sent_to_a_function(path: bytes) -> None:
    body = b"""{"session_hash": "s1", "path": "/no", "data": ["/no",
        {"path": "/tmp/1.png", "url": "/no"}, [{"image": {"path": "/tmp/2.png"}}], {"path": 5}]}"""
    assert files_of("POST", path, body) == ("/tmp/1.png", "/tmp/2.png")


def test_of_very_many_some_count() -> None:
    body = b'{"data": [%s]}' % b",".join(b'{"path": "/%d"}' % number for number in range(100))
    assert files_of("POST", b"/queue/join", body) == tuple(f"/{number}" for number in range(8))


@given(st.binary())
def test_no_path_makes_it_raise(path: bytes) -> None:
    assert len(fetched_file(b"/file=" + path)) == 1
    assert fetched_file(b"/other" + path) == ()
