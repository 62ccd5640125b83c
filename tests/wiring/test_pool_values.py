"""Each of a pool's settings lands where it should."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.mounts import Mounts
from gateway.core.policy import Balancing, Policy
from gateway.core.records.lanes import WhenBusy
from gateway.core.scaling.local import Autoscaling
from gateway.profiles.a1111 import a1111
from gateway.profiles.comfyui import comfyui
from gateway.profiles.generic import generic
from gateway.proxy.answers.waiting_page import WaitingPage
from gateway.proxy.answers.waiting_page_text import AUTO
from gateway.proxy.pool.rules import OnClientGone, Rules
from gateway.settings.model import PoolSettings
from gateway.wiring.pool_values import autoscaling_of, cookies_of, mounts_of, policy_of, profile_of, rules_of

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.profiles.treatment import Profile

TOLD: dict[str, Any] = {
    "path_prefix": ["/sd/"],
    "strip_prefix": True,
    "profile_root": "/app",
    "backends": {"static": ["pod-a:1"]},
    "concurrency": 2,
    "balancing": "round_robin",
    "queue": {"limit": 3, "bytes": 4, "timeout": 5, "client_share": 39},
    "cold_start": {"timeout": 6, "page": "auto"},
    "affinity": {
        "header": "X-Session-Key",
        "same_site": "none",
        "ttl": 7,
        "sessions": 8,
        "spill_after": 9,
        "move_after": 11,
        "move_when_busy": 34,
        "when_busy": "spill",
        "model_switch_cost": 33,
    },
    "quarantine": {"max": 12},
    "health": {"errors": 35, "share": 36, "rest": 37, "max_ejected": 38},
    "max_body": 13,
    "timeouts": {"body_idle": 14, "body_total": 40, "response_start": 15, "idle": 16, "write_stall": 17, "total": 18},
    "drain_timeout": 19,
    "response_spool": 20,
    "on_client_gone": "close",
    "expose_backend": True,
    "allowed_origins": ["https://ui.example"],
    "autoscaling": {
        "min_scale": 21,
        "max_scale": 22,
        "initial_scale": 23,
        "activation_scale": 24,
        "target": 25,
        "target_utilization_percentage": 26,
        "target_burst_capacity": 27,
        "window": 28,
        "panic_window_percentage": 29,
        "panic_threshold_percentage": 130,
        "scale_down_delay": 31,
        "scale_to_zero_pod_retention_period": 32,
        "metric_aggregation_algorithm": "weighted-exponential",
    },
}
SETTINGS = PoolSettings.model_validate(TOLD)


def left_alone(values: Policy | Autoscaling) -> set[str]:
    """What still has its default."""
    return {each.name for each in fields(values) if getattr(values, each.name) == each.default}


def test_what_the_core_is_told() -> None:
    policy = policy_of(SETTINGS, a1111())

    assert left_alone(policy) == set()
    assert policy == Policy(
        limit=2,
        balancing=Balancing.ROUND_ROBIN,
        line_limit=3,
        bytes_limit=4,
        client_share=39,
        longest_body=13,
        queue_timeout=5,
        cold_timeout=6,
        session_ttl=7,
        session_capacity=8,
        spill_after=9,
        move_after=11,
        move_when_busy=34,
        can_ask=True,
        unknown_for=12,
        health_errors=35,
        health_share=36,
        health_rest=37,
        health_max_ejected=38,
        model_switch_cost=33,
    )


def test_what_the_core_is_told_of_backends_that_cannot_be_asked() -> None:
    policy = policy_of(PoolSettings.model_validate(TOLD | {"quarantine": {}}), generic())

    assert (policy.can_ask, policy.unknown_for) == (False, 18)  # timeouts.total
    assert policy.model_switch_cost == 0  # their requests name none


@pytest.mark.parametrize(("told", "profile", "seconds"), [
    ({}, comfyui(), 10), ({"move_when_busy": 0}, comfyui(), 0), ({}, a1111(), None),
])  # fmt: skip
def test_when_a_session_moves_is_known_by_its_profile_unless_the_file_says(
    told: dict[str, float], profile: Profile, seconds: float | None
) -> None:
    settings = PoolSettings.model_validate(TOLD | {"affinity": told})
    assert policy_of(settings, profile).move_when_busy == seconds


def test_what_the_endpoint_is_told() -> None:
    assert rules_of(SETTINGS) == Rules(
        when_busy=WhenBusy.SPILL,
        max_body=13,
        body_total=40,
        body_idle=14,
        response_start=15,
        idle=16,
        write_stall=17,
        total=18,
        drain_timeout=19,
        quarantine_max=12,
        response_spool=20,
        on_client_gone=OnClientGone.CLOSE,
        longest_wait=5 + 6,
        expose_backend=True,
        allowed_origins=frozenset({b"https://ui.example"}),
        cookie_crosses_sites=True,
        mounts=Mounts(("/sd",), ("/app",)),
        waiting_page=WaitingPage(AUTO),
        session_header=b"x-session-key",
    )


@pytest.mark.parametrize(("told", "mounts"), [
    ({}, Mounts()),
    ({"path_prefix": ["/"]}, Mounts()),
    ({"path_prefix": ["/sd/", "/sdapi"]}, Mounts((), ("/sd", ""))),
    ({"path_prefix": ["/sdapi"], "strip_prefix": True}, Mounts(("/sdapi",))),
    ({"path_prefix": ["/sd"], "profile_root": "/"}, Mounts()),
    ({"profile_root": "/app/"}, Mounts((), ("/app",))),
])  # fmt: skip
def test_where_its_pods_serve(told: dict[str, object], mounts: Mounts) -> None:
    plain = {key: TOLD[key] for key in ("backends",)}
    settings = PoolSettings.model_validate({**plain, "profile": "a1111", **told})
    assert mounts_of(settings) == mounts
    assert profile_of(settings).readiness.path == mounts.root + a1111().readiness.path


@pytest.mark.parametrize(("told", "site"), [("lax", b"Lax"), ("strict", b"Strict"), ("none", b"None")])
def test_whose_pages_send_the_cookie(told: str, site: bytes) -> None:
    settings = PoolSettings.model_validate(TOLD | {"affinity": {"same_site": told}})
    assert b"SameSite=" + site in cookies_of("sd", settings, ["k"]).issue("id", "pod-a", 0, secure=True)
    assert rules_of(settings).cookie_crosses_sites is (told == "none")


def test_which_page_tells_of_a_start(tmp_path: Path) -> None:
    own = tmp_path / "page.html"
    own.write_text("<title>Soon</title>$follow")
    told = {"off": None, str(own): WaitingPage("<title>Soon</title>$follow")}
    for page, expected in told.items():
        settings = PoolSettings.model_validate(TOLD | {"cold_start": {"page": page}})
        assert rules_of(settings).waiting_page == expected


def test_what_the_autoscaler_is_told() -> None:
    autoscaling = autoscaling_of(SETTINGS)

    assert left_alone(autoscaling) == {"max_scale_up_rate", "max_scale_down_rate"}  # a cluster's, in Knative, too
    assert autoscaling == Autoscaling(
        min_scale=21,
        max_scale=22,
        initial_scale=23,
        activation_scale=24,
        target=25,
        target_utilization_percentage=26,
        target_burst_capacity=27,
        window=28,
        panic_window_percentage=29,
        panic_threshold_percentage=130,
        scale_down_delay=31,
        scale_to_zero_pod_retention_period=32,
        metric_aggregation_algorithm="weighted-exponential",
    )
