"""From a desired number to starts and stops."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.scaling.process_target import ProcessTarget
from tests.doubles.counted_fleet import CountedFleet

if TYPE_CHECKING:
    from gateway.scaling.target import Target


class Pods:
    """A fleet, what its pool says about it, and the target between them."""

    def __init__(self, places: int = 100) -> None:
        self.fleet = CountedFleet(places)
        self.idle: list[str] = []
        self.starting: list[str] = []
        self.overdue: dict[str, str] = {}
        self.waiting = 0
        self.target: Target = ProcessTarget(
            self.fleet,
            take_for_removal=lambda: self.idle.pop(0) if self.idle else None,
            starting=lambda: self.starting,
            overdue=lambda: self.overdue,
            waiting=lambda: self.waiting,
        )


def test_the_difference_is_started() -> None:
    pods = Pods()
    pods.target.apply(3)
    pods.target.apply(3)
    assert pods.target.pods == 3
    pods.target.apply(5)
    assert pods.fleet.pods == ["pod-1", "pod-2", "pod-3", "pod-4", "pod-5"]


def test_what_there_is_no_place_for_is_asked_for_again() -> None:
    pods = Pods(places=1)
    pods.target.apply(2)
    assert pods.target.pods == 1
    pods.fleet.stop("pod-1")
    pods.target.apply(2)
    assert pods.fleet.pods == ["pod-2"]


def test_only_idle_ones_are_stopped_and_the_busy_are_asked_about_again() -> None:
    pods = Pods()
    pods.target.apply(4)
    pods.idle = ["pod-3"]
    pods.target.apply(1)
    assert pods.fleet.stopped == ["pod-3"]
    pods.idle = ["pod-1", "pod-4", "pod-2"]
    pods.target.apply(1)
    assert pods.fleet.stopped == ["pod-3", "pod-1", "pod-4"]


def test_no_starting_one_is_stopped_while_anything_waits() -> None:
    pods = Pods()
    pods.target.apply(3)
    pods.starting, pods.waiting, pods.idle = ["pod-2", "pod-3"], 1, ["pod-1"]
    pods.target.apply(1)
    assert pods.fleet.stopped == [], "nor a ready one in its place"
    pods.target.apply(0)
    assert pods.fleet.stopped == ["pod-1"]


def test_when_nothing_waits_the_newest_starting_ones_go_first_and_then_idle_ones() -> None:
    pods = Pods()
    pods.target.apply(4)
    pods.idle, pods.starting = ["pod-1", "pod-2"], ["pod-3", "pod-4"]
    pods.target.apply(3)
    assert pods.fleet.stopped == ["pod-4"]
    pods.starting = ["pod-3"]
    pods.target.apply(1)
    assert pods.fleet.stopped == ["pod-4", "pod-3", "pod-1"]


def test_one_that_is_not_well_is_replaced() -> None:
    pods = Pods()
    pods.target.apply(2)
    pods.overdue = {"pod-1": "it fails"}
    pods.target.apply(2)
    assert (pods.fleet.stopped, pods.fleet.pods) == (["pod-1"], ["pod-2", "pod-3"])
    assert pods.fleet.replaced == {"pod-1": "it fails"}
    pods.overdue = {"pod-2": "it fails"}
    pods.target.apply(1)
    assert pods.fleet.pods == ["pod-3"], "stopped, but not missed"
