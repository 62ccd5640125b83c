"""What a submitted graph tells."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.profiles.comfyui_jobs import interrupted, listed_jobs, prompt_facts, unqueued
from gateway.profiles.treatment import Asked


def posted(body: object, *, whole: bool = True) -> Asked:
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Asked("POST", b"/prompt", body=sent, whole=whole)


def loader(kind: str, **inputs: object) -> dict[str, object]:
    return {"class_type": kind, "inputs": inputs}


@pytest.mark.parametrize(
    ("graph", "model"),
    [
        ({"1": loader("CheckpointLoaderSimple", ckpt_name="a.safetensors")}, "a"),
        ({"1": loader("UNETLoader", unet_name="flux.safetensors", weight_dtype="default")}, "flux"),
        ({"1": loader("KSampler", ckpt_name="no"), "2": loader("CheckpointLoader", ckpt_name="b.ckpt")}, "b"),
        ({"1": loader("CheckpointLoaderSimple", ckpt_name=["3", 0]), "2": loader("UNETLoader", unet_name="c")}, "c"),
        ({"1": loader("SomebodysLoader", ckpt_name="a")}, None),
        ({"1": {"inputs": {"ckpt_name": "a"}, "class_type": "CheckpointLoaderSimple"}}, "a"),
        ({}, None),
        ([], None),
    ],
)
def test_the_model_that_a_graph_loads(graph: object, model: str | None) -> None:
    assert prompt_facts(posted({"prompt": graph})).model == model


def test_who_submits_what_of_a_beginning_as_well() -> None:
    facts = prompt_facts(posted(b'{"client_id": "c1", "prompt_id": "p1", "extra_data": {"x": "', whole=False))
    assert (facts.client, facts.prompt_id) == ("c1", "p1")
    assert prompt_facts(posted({"client_id": 5, "prompt_id": "p" * 500})).prompt_id is None


def test_a_large_graph_is_read_to_its_end() -> None:
    nodes: dict[str, object] = {str(n): loader("KSampler", model=["1", 0], seed=n, steps=20) for n in range(1000)}
    nodes["last"] = loader("CheckpointLoaderSimple", ckpt_name="a")
    assert prompt_facts(posted({"prompt": nodes})).model == "a"


def test_what_is_to_be_stopped() -> None:
    assert interrupted(posted({"prompt_id": "p1"})) == ("p1",)
    assert interrupted(posted(b"")) == ()
    assert unqueued(posted({"delete": ["p1", "p2"]})) == ("p1", "p2")
    assert unqueued(posted({"clear": True})) == ()
    assert unqueued(posted({"clear": False})) is None
    assert unqueued(posted(b'{"clear"')) == ()


@given(st.binary())
def test_no_bytes_make_it_raise(body: bytes) -> None:
    prompt_facts(posted(body))
    interrupted(posted(body))
    assert unqueued(posted(body)) in ((), None) or body


@pytest.mark.parametrize(
    ("kind", "given_", "file"),
    [
        ("LoadImage", {"image": "a.png"}, "file:input//a.png"),
        ("LoadImage", {"image": "clipspace/a b.png [input]"}, "file:input/clipspace/a b.png"),
        ("LoadImageOutput", {"image": "x/a.png [output]"}, "file:output/x/a.png"),
        ("LoadVideo", {"file": "a.mp4"}, "file:input//a.mp4"),
        ("LoadImage", {"image": "x/"}, None),
        ("LoadImage", {"image": ["3", 0]}, None),
        ("SaveImage", {"image": "a.png"}, None),
    ],
)
def test_the_files_that_a_graph_loads(kind: str, given_: dict[str, object], file: str | None) -> None:
    facts = prompt_facts(posted({"prompt": {"1": loader(kind, **given_)}}))
    assert facts.files == (() if file is None else (file,))


def test_jobs_are_listed_under_whatever_name() -> None:
    assert listed_jobs(posted({"job_ids": ["p1", 5, "p2", "x" * 500]})) == ("p1", "p2")
    assert listed_jobs(posted(b"")) == ()
