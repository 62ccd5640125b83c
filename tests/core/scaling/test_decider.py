"""The autoscaler decides as Knative's does: kpa.json holds what that one decided on 40 timelines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.core.scaling.decider import Decider, DeciderSpec, ScaleDecision
from gateway.core.scaling.windows import BucketedAverage

SCENARIOS = json.loads((Path(__file__).parent / "kpa.json").read_text())


class Replay:
    """One recorded timeline, played to our windows and our decider."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.no_data_is_invalid = spec["no_data_is_invalid"]
        self.ready = spec["initial_ready"]
        self.stable = BucketedAverage(spec["stable_window_s"], spec["aggregation"])
        self.panic = BucketedAverage(spec["panic_window_s"], spec["aggregation"])
        self.decider = Decider(
            DeciderSpec(
                target=spec["target_value"],
                total=spec["total_value"],
                target_burst_capacity=spec["target_burst_capacity"],
                panic_threshold=spec["panic_threshold"],
                stable_window=spec["stable_window_s"],
                max_scale_up_rate=spec["max_scale_up_rate"],
                max_scale_down_rate=spec["max_scale_down_rate"],
                scale_down_delay=spec["scale_down_delay_s"],
                activation_scale=spec["activation_scale"],
                reachable=spec["reachable"],
            ),
            ready=self.ready,
        )

    def stat(self, t: float, value: float) -> None:
        self.stable.record(t, value)
        self.panic.record(t, value)

    def scale(self, t: float) -> ScaleDecision:
        if self.no_data_is_invalid and self.stable.is_empty(t):
            return self.decider.decide(t, self.ready, None, None)
        return self.decider.decide(t, self.ready, self.stable.average(t), self.panic.average(t))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario["name"]))
def test_every_decision_is_knatives(scenario: dict[str, Any]) -> None:
    replay = Replay(scenario["spec"])
    for kind, t, told in scenario["events"]:
        if kind == "stat":
            replay.stat(t, told)
        elif kind == "ready":
            replay.ready = told
        else:
            decision = replay.scale(t)
            assert played(decision) == pytest.approx(told, rel=0, abs=1e-9), f"at {t}"


def played(decision: ScaleDecision) -> dict[str, float]:
    outcome = {"valid": decision.valid, "desired": decision.desired, "ebc": decision.ebc}
    return outcome | ({"stable": decision.stable, "panic": decision.panic} if decision.valid else {})


def test_the_recorded_timelines_are_all_there() -> None:
    assert sum(kind == "scale" for scenario in SCENARIOS for kind, _, _ in scenario["events"]) == 4676
