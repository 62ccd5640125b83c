"""From settings to objects: each setting lands where it should, and what operators and the life cycle are given."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from gateway.core.balancing import Balancing
from gateway.core.policy import Policy
from gateway.core.scaling.local import Autoscaling
from gateway.core.ticket import Lane, Ticket, WhenBusy
from gateway.profiles.a1111 import a1111
from gateway.profiles.generic import generic
from gateway.proxy.served_pool import OnClientGone, Rules
from gateway.runtime.driver import Refused
from gateway.settings import PoolSettings
from gateway.wiring import autoscaling_of, policy_of, rules_of
from tests.doubles.eventually import eventually
from tests.doubles.relatives import MARK, marked
from tests.doubles.wired import OTHER, pool, processes, wired

pytestmark = pytest.mark.anyio


# What a pool's settings become


TOLD: dict[str, Any] = {
    "backends": {"static": ["pod-a:1"]},
    "concurrency": 2,
    "balancing": "round_robin",
    "queue": {"limit": 3, "bytes": 4, "timeout": 5},
    "cold_start": {"timeout": 6},
    "affinity": {"ttl": 7, "sessions": 8, "spill_after": 9, "move_after": 11, "when_busy": "spill"},
    "quarantine": {"max": 12},
    "max_body": 13,
    "timeouts": {"body_idle": 14, "response_start": 15, "idle": 16, "write_stall": 17, "total": 18},
    "drain_timeout": 19,
    "response_spool": 20,
    "on_client_gone": "close",
    "expose_backend": True,
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
        queue_timeout=5,
        cold_timeout=6,
        session_ttl=7,
        session_capacity=8,
        spill_after=9,
        move_after=11,
        can_ask=True,
        unknown_for=12,
    )


def test_what_the_core_is_told_of_backends_that_cannot_be_asked() -> None:
    policy = policy_of(PoolSettings.model_validate(TOLD | {"quarantine": {}}), generic())

    assert (policy.can_ask, policy.unknown_for) == (False, 18)  # timeouts.total


def test_what_the_endpoint_is_told() -> None:
    assert rules_of(SETTINGS) == Rules(
        when_busy=WhenBusy.SPILL,
        max_body=13,
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
    )


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


# What operators and the life cycle are given


async def test_what_the_scalers_last_thought(tmp_path: Path) -> None:
    own = processes(log_dir=str(tmp_path)) | {"autoscaling": {"min_scale": 1}}
    async with wired(tmp_path, {"own": own, **OTHER}) as one:
        assert one.gateway.scaler_views() == {}  # it has not thought yet; the other pool has no scaler
        await eventually(one.gateway.scaler_views)
        assert one.gateway.scaler_views() == {
            "own": {
                "desired": 1,
                "ready": 0,
                "stable": 0.0,
                "panic": 0.0,
                "in_panic": False,
                "bound": "autoscaling.min_scale",
            }
        }


async def test_an_operator_frees_quarantined_slots_and_no_others(tmp_path: Path) -> None:
    async with wired(tmp_path, {"sd": pool(profile="a1111")}) as one:
        backend = await one.backend("pod-a:1")
        assert backend.free_slots == 0  # it may be at work for a gateway before this one
        assert not one.gateway.release("sd", "nobody")
        assert not one.gateway.release("nothing", "pod-a:1")
        assert one.gateway.release("sd", "pod-a:1")
        assert backend.free_slots == 1
        assert not one.gateway.release("sd", "pod-a:1")


async def test_readiness_in_words(tmp_path: Path) -> None:
    async with wired(tmp_path, {"sd": pool()}) as one:
        assert one.gateway.ready(listening=False) == (False, "starting")
        assert one.gateway.ready(listening=True) == (True, "serving")
        one.gateway.stopping()
        assert one.gateway.ready(listening=True) == one.gateway.ready(listening=False) == (False, "stopping")


async def test_when_grace_is_over_nobody_waits(tmp_path: Path) -> None:
    async with wired(tmp_path, {"sd": pool(), **OTHER}) as one:
        one.gateway.grace_over()
        for name in ("sd", "other"):
            with one.served(name).driver.slot(Ticket(Lane.COUNTED)) as slot, pytest.raises(Refused, match="stopping"):
                await slot.turn()


def environment(pid: int) -> bytes:
    return Path("/proc", str(pid), "environ").read_bytes()


async def test_no_process_outlives_the_gateway_nor_learns_its_keys(tmp_path: Path) -> None:
    mark, environ = str(tmp_path), {"PATH": "/usr/bin:/bin", "KEYS": "k" * 32}
    own = processes(env={MARK: mark}, log_dir=mark) | {"autoscaling": {"min_scale": 2}}
    async with wired(tmp_path, {"sd": own}, environ=environ, session={"keys_env": "KEYS"}) as one:
        await eventually(lambda: sum("sleep" in command for command in marked(mark).values()) >= 2)
        assert all(b"KEYS=" not in environment(pid) for pid in marked(mark))
        await one.gateway.close_children()
        assert marked(mark) == {}
