"""Virtual time."""

from __future__ import annotations

from gateway.simulation.loop import Loop


def test_everything_happens_when_it_is_due_and_nothing_after_the_end() -> None:
    loop, log = Loop(), list[tuple[str, float]]()
    for name, time in [("late", 3.0), ("early", 1.0), ("never", 3.1)]:
        loop.at(time, lambda name=name: log.append((name, loop.now)))  # type: ignore[misc]
    loop.run(3.0)
    assert (log, loop.now) == ([("early", 1.0), ("late", 3.0)], 3.0)


def test_equal_times_happen_in_the_order_they_were_asked_for() -> None:
    loop, log = Loop(), list[int]()
    for number in range(20):
        loop.at(1.0, lambda number=number: log.append(number))  # type: ignore[misc]
    loop.run(1.0)
    assert log == list(range(20))


def test_what_happens_may_ask_for_more() -> None:
    loop, log = Loop(), list[float]()

    def tick() -> None:
        log.append(loop.now)
        loop.after(1.0, tick)

    tick()
    loop.run(2.5)
    assert (log, loop.now) == ([0.0, 1.0, 2.0], 2.5)


def test_time_does_not_run_backwards() -> None:
    loop, log = Loop(), list[float]()
    loop.run(5.0)
    loop.at(1.0, lambda: log.append(loop.now))
    loop.run(5.0)
    assert log == [5.0]
