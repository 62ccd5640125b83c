"""Transcripts: who is let in, and who is turned away."""

from __future__ import annotations

from gateway.core.line.room import Room
from gateway.core.records.decisions import Reason, Refusal
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState
from tests.core.playbook import Playbook


def test_a_place_is_reserved_before_the_body_and_given_back_once() -> None:
    p = Playbook("gpu-1", line_limit=1)
    p.arrive("a")
    p.granted("a")
    room = p.enter()
    assert isinstance(room, Room)
    refusal = p.enter()
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.LINE_FULL
    p.arrive("b", room=room)
    p.waits("b")
    assert p.pool.budget.uploading == 0
    room.close()
    room.close()
    assert p.pool.budget.uploading == 0


def test_one_who_does_not_have_to_wait_needs_no_place_in_line() -> None:
    p = Playbook("gpu-1", line_limit=0)
    p.arrive("a")
    p.granted("a")
    p.arrive("b")
    p.rejected("b", Reason.LINE_FULL)
    p.arrive("file", Lane.EXEMPT)
    p.granted("file")

    unlimited = Playbook("gpu-1", line_limit=0, limit=0)
    unlimited.arrive("a")
    unlimited.granted("a")
    unlimited.arrive("b")
    unlimited.granted("b")


def test_one_client_does_not_have_the_whole_line() -> None:
    p = Playbook("gpu-1", line_limit=8)
    p.arrive("works", who="a")
    p.granted("works")
    room = p.enter("a")
    assert isinstance(room, Room)
    p.arrive("waits", who="a")
    p.waits("waits")
    refusal = p.enter("a")
    assert isinstance(refusal, Refusal)
    assert refusal.reason is Reason.CLIENT_FULL
    p.arrive("too much", who="a")
    p.rejected("too much", Reason.CLIENT_FULL)
    p.arrive("other", who="b")
    p.waits("other")
    p.leave("waits")
    room.close()
    assert isinstance(p.enter("a"), Room)
    assert (p.pool.budget.held_by("a").places, p.pool.budget.held_by("b").places) == (1, 1)


def test_bytes_are_bounded_and_returned() -> None:
    p = Playbook("gpu-1", bytes_limit=100)
    room, other = p.enter(), p.pool.spare_room()
    assert isinstance(room, Room)
    assert room.take(60)
    assert not other.take(41)
    assert other.take(40)
    room.give(10)
    assert other.take(10)
    room.close()
    other.close()
    assert (p.pool.budget.bytes_held, p.pool.bytes_refusal(room, p.now).reason) == (0, Reason.BYTES_FULL)


def test_after_three_dead_starts_waiting_is_pointless() -> None:
    p = Playbook()
    p.arrive("a")
    p.start_failed("exit code 1: no GPU", retry_in=1)
    p.start_failed("exit code 1: no GPU", retry_in=2)
    p.waits("a")
    p.start_failed("exit code 1: no GPU", retry_in=4)
    refusal = p.rejected("a", Reason.STARTS_FAIL)
    assert (refusal.retry_after, refusal.detail) == (4, "exit code 1: no GPU")
    assert p.pool.demand == 0

    p.arrive("b")
    p.rejected("b", Reason.STARTS_FAIL)
    assert p.pool.demand == 1  # remembered for one attempt
    p.start_failed("exit code 1: no GPU", retry_in=8)
    assert p.pool.demand == 0
    turned_away = p.enter()  # at the door, too, and the scaler hears of it
    assert isinstance(turned_away, Refusal)
    assert (p.pool.demand, p.pool.load.level) == (1, 1)

    p.at(8)  # the next attempt is due: worth waiting for
    p.arrive("c")
    p.waits("c")
    p.pool.start_succeeded(p.now)
    assert p.pool.starts.failures == 0


def test_dead_starts_do_not_matter_while_somebody_is_ready() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    for _ in range(3):
        p.start_failed("exit code 1", retry_in=60)
    p.arrive("b")
    p.waits("b")
    p.arrive("file", Lane.EXEMPT)
    p.granted("file")
    p.give_back("file")  # gpu-1 is suspect, and will be asked again in a second
    for name in ("b", "file"):
        p.waits(name)
    p.state("gpu-1", BackendState.GONE)
    for name in ("b", "file"):
        assert p.rejected(name, Reason.STARTS_FAIL).retry_after == 60
    p.retry("a", quarantine=0)
    p.rejected("a", Reason.STARTS_FAIL)
    assert p.pool.demand == 0


def test_who_is_refused_for_want_of_a_ready_backend_is_told_what_its_probe_found() -> None:
    p = Playbook(cold_timeout=60)
    p.pods("gpu-1", "gpu-2")
    p.unready("gpu-2", "GET /ready: 404")
    p.unready("gone", "GET /ready: 500")
    p.arrive("poll", Lane.PASSIVE)
    assert p.rejected("poll", Reason.NO_BACKEND).detail == "GET /ready: 404"
    p.arrive("a")
    p.waits("a")
    p.at(60)
    assert p.rejected("a", Reason.NOTHING_CAME_UP).detail == "GET /ready: 404"
    assert p.pool.unready_because == "GET /ready: 404"

    p.unready("gpu-2", "")
    p.arrive("poll", Lane.PASSIVE)
    assert p.rejected("poll", Reason.NO_BACKEND).detail == ""
