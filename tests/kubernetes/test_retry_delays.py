from __future__ import annotations

from gateway.kubernetes.retry_delays import RetryDelays, spread


def as_it_is(seconds: float) -> float:
    return seconds


def test_at_once_then_longer_and_longer() -> None:
    delays = RetryDelays(as_it_is)
    assert [delays.after_failure() for _ in range(8)] == [0, 1, 2, 4, 8, 16, 30, 30]
    assert [delays.after_failure() for _ in range(2000)] == [30] * 2000
    delays.succeeded()
    assert [delays.after_failure() for _ in range(2)] == [0, 1]


def test_never_sooner_than_the_server_asks_but_not_for_ever() -> None:
    delays = RetryDelays(as_it_is)
    assert delays.after_failure(asked_for=5) == 5
    assert delays.after_failure(asked_for=10**9) == 120


def test_jitter_makes_it_shorter_by_up_to_a_half() -> None:
    assert all(5 <= spread(10) <= 10 for _ in range(100))
    assert len({spread(10) for _ in range(10)}) > 1
