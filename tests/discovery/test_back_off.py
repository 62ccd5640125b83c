"""Longer and longer, and not for what failed together."""

from __future__ import annotations

from gateway.discovery.back_off import BackOff


def test_each_failure_in_a_row_doubles_the_wait_up_to_the_last_step() -> None:
    back_off = BackOff((1, 2, 4))
    now, delays = 0.0, []
    for _ in range(5):
        assert back_off.is_over(now)
        delays.append(back_off.failed(began=now, now=now + 1))
        now += 1 + delays[-1]
        assert not back_off.is_over(now - 0.1)
    assert delays == [1, 2, 4, 4, 4]


def test_five_that_began_together_and_died_are_one_failure() -> None:
    back_off = BackOff((1, 2, 4))
    assert [back_off.failed(began=0, now=1 + n / 10) for n in range(5)] == [1] * 5
    assert not back_off.is_over(2.3)
    assert back_off.failed(began=2.4, now=3) == 2


def test_a_success_clears_it() -> None:
    back_off = BackOff((1, 2, 4))
    back_off.failed(began=0, now=1)
    back_off.succeeded()
    assert back_off.is_over(1)
    assert back_off.failed(began=1, now=2) == 1
