"""Where SD.Next differs from A1111."""

from __future__ import annotations

import pytest

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles.sdnext import sdnext


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
    ],
)
def test_lanes(request_: str, lane: Lane) -> None:
    method, path = request_.split(" ")
    assert sdnext().treat(method, path.encode()).lane is lane


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
