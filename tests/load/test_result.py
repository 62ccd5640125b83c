"""Every request asked for is in exactly one place."""

from __future__ import annotations

from gateway.load.result import LoadResult, RequestResult


def test_the_places_add_up() -> None:
    ended = (RequestResult(0.1, 200), RequestResult(0.2, 503), RequestResult(0.3, error="refused"))
    result = LoadResult(asked=10, seconds=1.0, ended=ended, given_up=2)
    assert (len(result.answered), len(result.failed), result.given_up, result.not_sent) == (2, 1, 2, 5)
    assert result.interrupted


def test_only_a_run_with_2xx_alone_is_good() -> None:
    assert LoadResult(2, 1.0, (RequestResult(0.1, 200), RequestResult(0.1, 204))).is_good
    assert not LoadResult(2, 1.0, (RequestResult(0.1, 200), RequestResult(0.1, 302))).is_good
    assert not LoadResult(1, 1.0, (RequestResult(0.1, error="refused"),)).is_good
    assert not LoadResult(3, 1.0, (RequestResult(0.1, 200), RequestResult(0.1, 200))).is_good
