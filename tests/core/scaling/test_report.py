"""What a remote autoscaler is told: transcripts of one revision, and our KPA fed with it and with what the pods'
queue-proxies tell besides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from gateway.core.policy import Policy
from gateway.core.pool import Pool
from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState, Listed
from gateway.core.scaling.decider import Decider, DeciderSpec
from gateway.core.scaling.report import Accounting, Report, RevisionReport
from gateway.core.scaling.windows import BucketedAverage

if TYPE_CHECKING:
    from collections.abc import Callable

PROXIED, WAITING = Accounting.PROXIED, Accounting.WAITING


class Account:
    """A report and the figures it is told of."""

    def __init__(self, accounting: Accounting = PROXIED, *, goes_by_rate: bool = False) -> None:
        self.report = RevisionReport(accounting, goes_by_rate=goes_by_rate)
        self.waiting = self.working = self.arrivals = 0

    def comes(self, now: float, count: int = 1, *, waits: bool = False) -> None:
        """One after the other, at one moment."""
        for _ in range(count):
            self.arrivals += 1
            self.at(now, waiting=self.waiting + waits, working=self.working + (not waits))

    def at(self, now: float, *, waiting: int = 0, working: int = 0) -> None:
        self.waiting, self.working = waiting, working
        self.report.set(now, waiting=waiting, working=working, arrivals=self.arrivals)

    def told(self, *ticks: float) -> list[tuple[float, float] | None]:
        """What each of the ticks tells: average and arrivals; None: silence."""
        reports = [self.report.tick(now) for now in ticks]
        return [(round(report.average, 6), report.arrivals) if report else None for report in reports]


def test_nothing_is_told_of_nothing() -> None:
    account = Account()
    assert account.report.poke() is None
    assert account.told(1, 2) == [None, None]


def test_a_poke_is_taken_off_the_first_tick_and_of_that_alone() -> None:
    account = Account()
    account.comes(0.0)
    assert account.report.poke() == Report(1, 1)
    account.comes(0.0)
    assert account.report.poke() is None, "the autoscaler knows"
    assert account.told(1, 2) == [(1, 1), (2, 0)]


def test_without_a_poke_nothing_is_taken_off() -> None:
    account = Account()
    account.comes(0.0, 2)
    assert account.told(1, 2) == [(2, 2), (2, 0)]
    assert account.report.poke() is None, "the ticks have told"


def test_the_average_is_weighted_by_time_and_starts_with_the_first_request() -> None:
    account = Account()
    account.comes(0.5, 4)
    account.at(0.75, working=1)
    assert account.told(1.0, 2.0, 3.5) == [(2.5, 4), (1, 0), (1, 0)]


def test_the_last_report_is_of_nothing_and_then_there_is_silence_until_the_next_request() -> None:
    account = Account()
    account.comes(0.0)
    account.at(0.5)
    assert account.told(1, 2, 3, 4) == [(0.5, 1), (0, 0), None, None]
    account.comes(9.0)
    assert account.report.poke() == Report(1, 1)
    assert account.told(9.5) == [(0, 0)]
    assert account.told(10.5) == [(1, 0)]


def test_a_request_that_takes_no_time_is_an_arrival_all_the_same() -> None:
    account = Account()
    account.comes(0.0)
    account.at(0.0)
    assert account.told(0.0, 1, 2) == [(0, 1), (0, 0), None]


def test_more_poked_than_seen_is_nothing_not_less() -> None:
    account = Account()
    account.comes(0.0)
    account.report.poke()
    account.at(0.1)
    assert account.told(1, 2, 3) == [(0, 0), (0, 0), None]


def test_where_queue_proxies_count_only_what_waits_is_told_and_no_arrival() -> None:
    account = Account(WAITING)
    account.comes(0.0, 5)
    assert account.told(1) == [None], "the pods have them all"
    account.comes(1.0, 2, waits=True)
    account.at(1.5, waiting=1, working=6)
    assert account.told(2, 3) == [(1.5, 0), (1, 0)]
    account.at(3.0, working=7)
    assert account.told(4, 5) == [(0, 0), None]


def test_a_poke_counts_where_an_autoscaler_by_rate_would_start_nothing() -> None:
    by_concurrency, by_rate = Account(WAITING), Account(WAITING, goes_by_rate=True)
    for account in (by_concurrency, by_rate):
        account.comes(0.0, waits=True)
    assert by_concurrency.report.poke() == Report(1, 0)
    assert by_rate.report.poke() == Report(1, 1)
    assert by_rate.told(1, 2) == [(0, 0), (1, 0)]


def test_another_account_holds_from_there_on_and_tells_no_arrival_twice() -> None:
    account = Account(WAITING)
    account.comes(0.0, 5)
    account.report.account(1.0, PROXIED, goes_by_rate=False)
    assert account.told(2.0) == [(5, 0)]
    account.comes(2.0)
    account.report.account(2.5, WAITING, goes_by_rate=False)
    assert account.told(3.0, 4.0, 5.0) == [(3, 0), (0, 0), None]


# From a pool


def pool_with(pods: int, accounting: Accounting, *, goes_by_rate: bool = False) -> tuple[Pool, RevisionReport]:
    pool = Pool("sd", Policy(), 0.0)
    pool.report = report = RevisionReport(accounting, goes_by_rate=goes_by_rate)
    pool.replace_backends([Listed(f"pod-{n}", f"pod-{n}:8012", f"pod-{n}") for n in range(pods)], 0.0)
    for identity in list(pool.backends):
        pool.set_state(identity, BackendState.READY, 0.0)
    return pool, report


def come(pool: Pool, now: float, lane: Lane = Lane.COUNTED) -> Ticket:
    pool.arrive(ticket := Ticket(lane), now)
    return ticket


@pytest.mark.parametrize(("accounting", "told"), [(PROXIED, Report(3, 2)), (WAITING, Report(1, 0))])
def test_a_pool_tells_what_waits_works_and_is_quarantined(accounting: Accounting, told: Report) -> None:
    pool, report = pool_with(2, accounting)
    broke = come(pool, 0.0)
    pool.leave(broke, 0.0, Ending.BACKEND_BROKE_BEFORE_ANSWER, quarantine=100)
    report.tick(0.0)
    come(pool, 0.0)
    come(pool, 0.0)
    come(pool, 0.0, Lane.EXEMPT)
    come(pool, 0.0, Lane.PASSIVE)
    assert report.tick(1.0) == told


@pytest.mark.parametrize(("accounting", "arrivals"), [(PROXIED, 1), (WAITING, 0)])
def test_an_exempt_request_is_told_of_while_it_waits_for_a_first_pod(accounting: Accounting, arrivals: int) -> None:
    pool, report = pool_with(0, accounting)
    come(pool, 0.0, Lane.EXEMPT)
    come(pool, 0.0, Lane.PASSIVE)
    assert report.tick(1.0) == Report(1, arrivals)


# Both sources together, as the autoscaler adds them


def ours(report: RevisionReport, now: float) -> Report:
    return report.tick(now) or Report(0, 0)


def theirs(accounting: Accounting, scraped: bool, average: float, arrivals: float) -> Report:
    """What the queue-proxies tell net of what carries `K-Proxy-Request`."""
    counts = scraped and accounting is WAITING
    return Report(average, arrivals) if counts else Report(0, 0)


@pytest.mark.parametrize(("burst", "accounting"), [(-1, PROXIED), (211, WAITING), (211, PROXIED)])
@pytest.mark.parametrize(
    ("figure", "is_rate"), [(lambda r: r.average, False), (lambda r: r.arrivals, True)], ids=["concurrency", "rps"]
)
def test_five_in_flight_on_five_pods_want_five_for_ten_minutes(
    burst: int, accounting: Accounting, figure: Callable[[Report], float], is_rate: bool
) -> None:
    """Each request takes a second, so that five in flight are five a second, and a pod is given one of either."""
    pool, report = pool_with(5, accounting, goes_by_rate=is_rate)
    decider = Decider(DeciderSpec(target=1, total=1, target_burst_capacity=burst), ready=1)
    stable, panic = BucketedAverage(60), BucketedAverage(6)
    wanted: set[int] = set()
    at_work: list[Ticket] = []
    for second in range(600):
        for ticket in at_work:
            pool.leave(ticket, second, Ending.SERVED)
        at_work = [come(pool, second) for _ in range(5)]
        now = second + 1.0
        told = figure(ours(report, now)) + figure(theirs(accounting, burst >= 0, 5, 5))
        for window in (stable, panic):
            window.record(second, told)
        if second % 2:
            wanted.add(decider.decide(second, 5, stable.average(second), panic.average(second)).desired)
    assert wanted == {5}
    assert math.isclose(stable.average(599), 5)
