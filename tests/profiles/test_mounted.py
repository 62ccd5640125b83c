"""Profiles of applications that are served below a path."""

from __future__ import annotations

import pytest

from gateway.core.mounts import Mounts
from gateway.core.records.lanes import Lane
from gateway.profiles.mounted import is_asked_below, mounted
from gateway.profiles.registry import PROFILES, profile
from gateway.profiles.rules import rule

BELOW_SD = mounted(profile("a1111"), Mounts((), ("/sd",)))


@pytest.mark.parametrize(
    ("request_line", "lane"),
    [
        ("POST /sd/sdapi/v1/server-stop", Lane.DENIED),
        ("POST /sdapi/v1/server-stop", Lane.DENIED),  # of a pod that has it at its root as well
        ("POST /sd/../sdapi/v1/server-stop", Lane.DENIED),
        ("POST /sd/x/../../SD/sdapi/v1/server-stop", Lane.DENIED),
        ("POST /sd/sdapi/v1/txt2img", Lane.COUNTED),
        ("GET /sd/sdapi/v1/progress", Lane.PASSIVE),
        ("GET /sd", Lane.EXEMPT),
        ("GET /sd/file=/tmp/a//b.png", Lane.EXEMPT),
        ("GET /other", Lane.COUNTED),
    ],
)
def test_a_path_is_looked_up_from_the_root_on(request_line: str, lane: Lane) -> None:
    method, path = request_line.split(" ")
    assert BELOW_SD.treat(method, path.encode()).lane is lane


def test_a_server_that_takes_its_prefix_off_once_more_is_asked_for_nothing_that_is_denied_or_free() -> None:
    """To Starlette 0.52 with a `root_path` `/sd/x` is `/x`, so a stripped `/sd/sd/x` is, too."""
    rules = (rule("GET /free", Lane.EXEMPT), rule("GET /sd/work", Lane.EXEMPT), rule("GET /work", Lane.COUNTED))
    stripped = mounted(profile("generic", rules), Mounts(("/sd",)), rules)
    assert stripped.treat("GET", b"/free").lane is Lane.EXEMPT
    assert stripped.treat("GET", b"/sd/work").lane is Lane.COUNTED
    assert mounted(profile("a1111"), Mounts(("/sd",))).treat("POST", b"/sd/sdapi/v1/server-stop").lane is Lane.DENIED


def test_a_job_that_is_begun_with_the_prefix_twice_is_followed() -> None:
    """Gradio 5.49 with `root_path="/sd"` takes `/sd/gradio_api/queue/join` for `/gradio_api/queue/join`."""
    known = profile("gradio").treat("POST", b"/gradio_api/queue/join")
    assert mounted(profile("gradio"), Mounts(("/sd",))).treat("POST", b"/sd/gradio_api/queue/join") == known


def test_what_lies_beside_the_root_only_the_configuration_names() -> None:
    rules = (rule("GET /health", Lane.EXEMPT, configured=True),)
    app = mounted(profile("gradio", rules), Mounts((), ("/app",)), rules)
    assert app.treat("GET", b"/health").lane is Lane.EXEMPT
    assert app.treat("GET", b"/config").lane is Lane.COUNTED
    assert app.treat("GET", b"/app/config").lane is Lane.EXEMPT


def test_paths_that_are_too_long_to_remember_are_read_alike() -> None:
    assert BELOW_SD.treat("POST", b"/sd" + b"/." * 200 + b"/sdapi/v1/server-stop").lane is Lane.DENIED


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_asks_and_orders_below_the_root(name: str) -> None:
    plain = profile(name)
    below = mounted(plain, Mounts((), ("/app",)))
    for part in ("readiness", "idle", "interrupt", "loaded", "choosing"):
        asked = getattr(plain, part)
        assert asked is None or getattr(below, part).path == "/app" + asked.path
    if plain.readiness.fallback is not None:
        assert below.readiness.fallback is not None
        assert below.readiness.fallback.path == "/app" + plain.readiness.fallback.path
        assert below.readiness.fallback.never == "/app" + plain.readiness.fallback.never
    assert below.functions == plain.functions  # asked by dialogues, below the root
    assert mounted(plain, Mounts()) is plain


@pytest.mark.parametrize(
    ("name", "prefix", "asked"),
    [("a1111", "/sdapi", True), ("a1111", "/sd", False), ("gradio", "/app", False), ("generic", "/api", False)],
)
def test_a_prefix_may_be_a_part_of_the_profiles_own_routes(name: str, prefix: str, asked: bool) -> None:
    assert is_asked_below(profile(name), prefix) is asked
