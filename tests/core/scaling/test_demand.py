"""Transcripts: what a scaler must serve, and cold starts, told of by a page or not."""

from __future__ import annotations

from gateway.core.backends.health import WATCHED_FOR
from gateway.core.records.decisions import Ending, Reason
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState
from gateway.core.scaling.report import Accounting, Report, RevisionReport
from tests.core.playbook import Playbook


def test_demand_that_goes_away_is_no_cold_start_measured() -> None:
    p = Playbook()
    p.arrive("a")
    p.leave("a", Ending.CLIENT_LEFT_WAITING)
    p.at(5)
    p.pods("gpu-1", ready=True)
    assert p.warmed == []


def test_however_many_look_they_ask_for_one() -> None:
    p = Playbook()
    assert p.pool.waits_for_start
    for _ in range(3):
        assert p.watch_start() is None
    counts = p.pool.counts
    assert (p.pool.demand, p.pool.load.level, p.pool.waiting) == (1, 1, 0)
    assert (counts.arrivals, counts.starts_watched, counts.cold_starts) == (1, 1, 1)


def test_the_first_ready_backend_is_what_they_waited_for() -> None:
    p = Playbook()
    p.pods("gpu-1")
    p.watch_start()
    p.at(40)
    assert p.pool.cold_for(p.now) == 40
    p.ready("gpu-1")
    assert p.warmed == [40]
    assert (p.pool.demand, p.pool.load.level, p.pool.cold_for(p.now)) == (0, 0, 0)
    p.state("gpu-1", BackendState.STARTING)
    assert p.pool.demand == 0  # forgotten: whoever still looks says so


def test_who_asks_again_goes_on_asking_and_who_has_gone_does_not() -> None:
    p = Playbook()
    p.watch_start()
    p.at(WATCHED_FOR - 1)
    p.watch_start()
    p.at(2 * WATCHED_FOR - 2)
    assert p.pool.demand == 1
    p.at(2 * WATCHED_FOR - 1)
    assert (p.pool.demand, p.pool.load.level) == (0, 0)
    assert p.pool.estimates.cold_start is None  # nobody saw its end


def test_it_comes_beside_what_waits_in_line() -> None:
    p = Playbook()
    p.arrive("a", Lane.EXEMPT)
    p.watch_start()
    assert p.pool.demand == 2


def test_there_is_no_start_to_tell_of() -> None:
    p = Playbook()
    for _ in range(3):
        p.start_failed("exit code 1: no GPU", retry_in=60)
    refusal = p.watch_start()
    assert refusal is not None
    assert (refusal.reason, refusal.detail, p.pool.demand) == (Reason.STARTS_FAIL, "exit code 1: no GPU", 1)
    p.stop()
    refusal = p.watch_start()
    assert refusal is not None
    assert refusal.reason is Reason.STOPPING


def test_a_backend_that_is_only_suspect_needs_no_start() -> None:
    p = Playbook("gpu-1")
    assert not p.pool.waits_for_start
    p.arrive("file", Lane.EXEMPT)
    p.granted("file", on="gpu-1")
    p.give_back("file")
    assert p.pool.is_cold
    assert not p.pool.waits_for_start


def test_a_pod_that_was_never_asked_is_no_demand_however_many_start() -> None:
    """Else each pod that starts asks for another one."""
    p = Playbook(can_ask=True)
    report = p.pool.report = RevisionReport(Accounting.PROXIED)
    p.arrive("a")
    p.pods("gpu-1", "gpu-2", "gpu-3")
    assert (p.pool.quarantined, p.pool.demand, p.pool.load.level) == (3, 1, 1)
    p.at(1)
    assert report.tick(p.now) == Report(1.0, 1.0)
    p.ready("gpu-1")
    p.idle("gpu-1", sent_at=1)
    p.at(2)
    p.idle("gpu-1")
    p.granted("a")
    assert p.pool.demand == 1


def test_a_pod_that_says_that_it_works_is_demand_once_it_is_ready() -> None:
    """After a restart of the gateway: what the one before has sent there is still being worked on."""
    p = Playbook(can_ask=True)
    p.pods("gpu-1", "gpu-2")
    p.busy("gpu-1")
    assert p.pool.demand == 0
    p.ready("gpu-1", "gpu-2")
    p.busy("gpu-1")
    assert (p.pool.demand, p.pool.load.level) == (1, 1)
    p.at(1)
    p.idle("gpu-1")
    p.at(2)
    p.idle("gpu-1")
    assert p.pool.demand == 0


def test_a_quarantine_of_a_request_of_ours_is_demand() -> None:
    p = Playbook("gpu-1", can_ask=True, unknown_for=0)
    p.arrive("a")
    p.granted("a")
    p.leave("a", Ending.CLIENT_LEFT_IN_ANSWER, quarantine=900)
    assert p.pool.demand == 1
