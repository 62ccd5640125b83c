"""What a pod is really at work on."""

from __future__ import annotations

from gateway.simulation.loop import Loop
from gateway.simulation.pod import Pod


class Waiter:
    """Gives work, and hears of it."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def done(self) -> None:
        self.heard.append("done")

    def broke(self) -> None:
        self.heard.append("broke")


def test_it_works_to_the_end() -> None:
    loop, waiter = Loop(), Waiter()
    pod = Pod("pod-1", 1, loop)
    pod.begin(waiter, 8.0, takes_slot=True)
    loop.run(7.9)
    assert (pod.at_work, waiter.heard) == (1, [])
    loop.run(8.0)
    assert (pod.at_work, waiter.heard, pod.double_runs) == (0, ["done"], 0)


def test_it_counts_what_is_too_much() -> None:
    loop = Loop()
    one, two, unlimited = (Pod("pod", limit, loop) for limit in (1, 2, 0))
    for pod in (one, two, unlimited):
        for _ in range(3):
            pod.begin(Waiter(), 8.0, takes_slot=True)
    assert (one.double_runs, two.double_runs, unlimited.double_runs) == (2, 1, 0)


def test_what_takes_no_slot_is_never_too_much() -> None:
    pod = Pod("pod-1", 1, Loop())
    for takes_slot in (True, False):
        pod.begin(Waiter(), 8.0, takes_slot=takes_slot)
    assert (pod.at_work, pod.double_runs) == (1, 0)


def test_while_it_stands_still_nothing_is_done_and_what_comes_waits() -> None:
    loop, before, meanwhile = Loop(), Waiter(), Waiter()
    pod = Pod("pod-1", 2, loop)
    pod.begin(before, 8.0, takes_slot=True)
    loop.run(3.0)
    pod.freeze(10.0)
    loop.run(6.0)
    pod.freeze(2.0)  # it does already
    pod.begin(meanwhile, 1.0, takes_slot=True)
    assert pod.is_frozen
    loop.run(13.9)
    assert (pod.is_frozen, before.heard, meanwhile.heard) == (False, [], [])
    loop.run(14.0)
    assert meanwhile.heard == ["done"]
    loop.run(18.0)
    assert (before.heard, pod.at_work) == (["done"], 0)


def test_with_it_dies_its_work() -> None:
    loop, waiter = Loop(), Waiter()
    pod = Pod("pod-1", 1, loop)
    pod.begin(waiter, 8.0, takes_slot=True)
    pod.die()
    loop.run(10.0)
    assert (pod.at_work, pod.is_alive, waiter.heard) == (0, False, ["broke"])
