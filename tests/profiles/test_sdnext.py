"""Where SD.Next differs from A1111."""

from __future__ import annotations

import pytest

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles.sdnext import sdnext
from gateway.profiles.treatment import Asked


@pytest.mark.parametrize(
    ("request_", "lane"),
    [
        ("POST /sdapi/v1/control", Lane.COUNTED),
        ("POST /sdapi/v1/prompt-enhance", Lane.COUNTED),
        ("POST /sdapi/v1/checkpoint", Lane.COUNTED),
        ("POST /sdapi/v1/shutdown", Lane.DENIED),
        ("POST /sdapi/v1/restart", Lane.DENIED),
        ("POST /sdapi/v2/server/restart", Lane.DENIED),
        ("GET /sdapi/v1/status", Lane.PASSIVE),
        ("GET /queue/join", Lane.COUNTED),
        *((f"GET /sdapi/v1/{name}", Lane.PASSIVE) for name in ("log", "gpu", "memory")),
        *((f"GET /sdapi/v1/{name}", Lane.EXEMPT) for name in ("start", "version", "motd", "network", "png-info")),
        *((f"GET /sdapi/v1/{name}", Lane.EXEMPT) for name in ("network/desc", "browser/folders", "browser/files")),
        *((f"GET /sdapi/v1/{name}", Lane.EXEMPT) for name in ("autocomplete", "autocomplete/danbooru", "history")),
        ("GET /sdapi/v2/civitai/download/status", Lane.EXEMPT),
        ("POST /sdapi/v2/civitai/settings", Lane.DENIED),
        ("DELETE /sdapi/v1/delete-image", Lane.EXEMPT),
        *((f"POST /sdapi/v1/{name}", Lane.COUNTED) for name in ("caption", "rembg", "vqa", "tagger", "framepack")),
        *((f"POST /sdapi/v1/{name}", Lane.COUNTED) for name in ("preprocess", "detect", "mask", "detail", "nudenet")),
    ],
)
def test_lanes(request_: str, lane: Lane) -> None:
    method, path = request_.split(" ")
    assert sdnext().treat(method, path.encode()).lane is lane


@pytest.mark.parametrize(
    ("asked", "lane"),
    [
        ("/js?file=ui/dist/sdnext.mjs", Lane.EXEMPT),
        ("/js?file=/srv/sdnext/config.json", Lane.DENIED),
        ("/sdapi/v1/network/thumb?filename=models/Lora/a.png&t=1", Lane.EXEMPT),
        ("/sdapi/v1/network/thumb?filename=data%2F..%2FDATA%5Csecrets.json", Lane.DENIED),
        ("/sdapi/v1%2Fnetwork/thumb?filename=data/secrets.json", Lane.DENIED),
        ("/js?file=" + "a" * 5000, Lane.DENIED),
    ],
)
def test_a_file_is_served_by_name_unless_it_has_secrets(asked: str, lane: Lane) -> None:
    """Both routes ask for no login, and the second one serves whatever is below `data/`."""
    path, _, query = asked.encode().partition(b"?")
    more = sdnext().treat("GET", path).more
    assert more is not None
    assert more.ask is not None
    assert more.ask(Asked("GET", path, query)).lane is lane


def test_a_checkpoint_is_loaded_into_the_visitors_own_pod() -> None:
    assert sdnext().treat("POST", b"/sdapi/v1/checkpoint").when_busy is WhenBusy.WAIT


@pytest.mark.parametrize(
    ("status", "body", "ready", "idle"),
    [
        (200, b'{"status": "idle", "queued": 0}', True, True),
        (200, b'{"status": "running"}', True, False),
        (200, b'{"status": "idle", "queued": 1}', True, False),
        (404, b'{"detail": "Not Found"}', False, False),
        (200, b'{"status": 5}', False, False),
        (200, b"[", False, False),
        (200, b"[" * 100_000, False, False),
    ],
)
def test_its_status_says_all(status: int, body: bytes, ready: bool, idle: bool) -> None:
    profile = sdnext()
    assert profile.idle is not None
    assert profile.readiness.path == profile.idle.path == "/sdapi/v1/status"
    assert (profile.readiness.accepts(status, body), profile.idle.says_idle(status, body)) == (ready, idle)
