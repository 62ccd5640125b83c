"""The rules of every profile are a security boundary: no spelling of a route gets around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.mounts import Mounts, without
from gateway.core.records.lanes import Lane
from gateway.profiles.mounted import mounted
from gateway.profiles.registry import PROFILES, profile
from gateway.profiles.treatment import Asked
from tests.profiles import test_a1111, test_comfyui, test_gradio, test_gradio3, test_mcp
from tests.profiles.spellings import spelled

if TYPE_CHECKING:
    from gateway.profiles.treatment import Treatment

#: What each must count, whatever else it may know; and what it must refuse.
WEB_UI = [request for request in test_a1111.HEAVY if request != "POST /sdapi/v1/options"]
COUNTED = {
    "generic": [*WEB_UI, *test_comfyui.LIGHT],
    "a1111": WEB_UI,
    "forge": [*WEB_UI, "POST /queue/join"],
    "sdnext": [*WEB_UI, "POST /sdapi/v1/checkpoint", "POST /sdapi/v1/control", "POST /sdapi/v1/tagger"],
    "comfyui": [*test_comfyui.HEAVY, "POST /api/prompt"],
    "gradio": [*test_gradio.HEAVY, "POST /gradio_api/queue/join", "POST /gradio_api/call/predict", *test_mcp.CALLED],
    "gradio3": [*test_gradio3.HEAVY],
}
DENIED = {
    "a1111": test_a1111.FORBIDDEN,
    "forge": test_a1111.FORBIDDEN,
    "sdnext": [*test_a1111.FORBIDDEN, "POST /sdapi/v1/shutdown", "GET /sdapi/v1/file", "PUT /sdapi/v1/upload"],
    "comfyui": test_comfyui.FORBIDDEN,
}

#: A click that works, and one that cannot be seen to be anything less.
WORK = [b'{"data": ["task(a)"]}', b"", b'{"data": ["a dog"]']


#: Ways to be served below a path: what clients ask for, and what the pods make of it. At the root, below the prefix,
#: behind it (once more, and where a proxy in front takes it off already), below a root of the application's own, behind
#: one and below another, and below one of two.
PLACES = [
    ("", Mounts()),
    ("/sd", Mounts((), ("/sd",))),
    ("/sd", Mounts(("/sd",))),
    ("/sd/sd", Mounts(("/sd",))),
    ("/sd", Mounts(("", "/sd"))),
    ("/app", Mounts((), ("/app",))),
    ("/sd/app", Mounts(("/sd",), ("/app",))),
    ("/b", Mounts((), ("/a", "/b"))),
]


def sent(mounts: Mounts, raw_path: bytes) -> bytes:
    return without(mounts.prefix_of(raw_path), raw_path) or raw_path


def treated(kind: str, mounts: Mounts, method: str, raw_path: bytes, body: bytes) -> Treatment:
    treatment = mounted(profile(kind), mounts).treat(method, raw_path)
    more = treatment.more
    if more is None or more.ask is None:
        return treatment
    return more.ask(Asked(method, mounts.below(raw_path) or raw_path, body=body))


def test_each_profile_is_held_to_it() -> None:
    assert COUNTED.keys() == PROFILES.keys()


@pytest.mark.parametrize("kind", COUNTED)
@settings(max_examples=300)
@given(data=st.data())
def test_no_spelling_of_a_counted_route_is_exempt(kind: str, data: st.DataObject) -> None:
    prefix, mounts = data.draw(st.sampled_from(PLACES))
    method, raw_path = data.draw(spelled(COUNTED[kind], prefix))
    treatment = treated(kind, mounts, method, sent(mounts, raw_path), data.draw(st.sampled_from(WORK)))
    assert treatment.lane in (Lane.COUNTED, Lane.DENIED), (method, raw_path)


@pytest.mark.parametrize("kind", DENIED)
@settings(max_examples=300)
@given(data=st.data())
def test_no_spelling_of_a_denied_route_is_let_through(kind: str, data: st.DataObject) -> None:
    prefix, mounts = data.draw(st.sampled_from(PLACES))
    method, raw_path = data.draw(spelled(DENIED[kind], prefix))
    assert mounted(profile(kind), mounts).treat(method, sent(mounts, raw_path)).lane is Lane.DENIED, (method, raw_path)


@pytest.mark.parametrize("kind", PROFILES)
@given(body=st.binary(), whole=st.booleans(), query=st.binary())
def test_no_body_makes_a_profile_raise(kind: str, body: bytes, whole: bool, query: bytes) -> None:
    posts = (
        "/sdapi/v1/options",
        "/sdapi/v1/txt2img",
        "/prompt",
        "/queue/join",
        "/run/x",
        "/queue",
        "/interrupt",
        "/mcp/",
        "/mcp/messages/",
    )
    for method, path in (("GET", "/ws"), ("GET", "/queue/join"), *(("POST", post) for post in posts)):
        more = profile(kind).treat(method, path.encode()).more
        if more is not None and more.ask is not None:
            answer = more.ask(Asked(method, path.encode(), query, body, whole))
            assert answer.more is None or answer.more.ask is None
