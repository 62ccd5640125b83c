"""Transcripts: what concerns the pool as a whole."""

from __future__ import annotations

import pytest

from gateway.core.records.backends_and_tickets import Ticket, TicketState
from gateway.core.records.decisions import Ending, Reason, Refusal
from gateway.core.records.lanes import Lane
from tests.core.playbook import Playbook, listed


def test_leaving_twice_is_leaving_once() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.leave("a")
    p.leave("a", quarantine=9)
    p.give_back("a")
    p.retry("a", quarantine=9)
    assert (p.pool.in_flight, p.pool.quarantined, p.pool.counts.give_backs) == (0, 0, 0)


def test_stopping_refuses_the_line_and_the_door() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.arrive("b")
    p.stop()
    p.rejected("b", Reason.STOPPING)
    p.arrive("c")
    p.rejected("c", Reason.STOPPING)
    refusal = p.enter()
    assert isinstance(refusal, Refusal)
    p.leave("a")


def test_a_turn_that_comes_back_after_the_stop_waits_for_no_other() -> None:
    p = Playbook("gpu-1", "gpu-2")
    for name in "ab":
        p.arrive(name)
        p.granted(name)
    p.stop()
    p.give_back("a")
    p.rejected("a", Reason.STOPPING)
    p.retry("b", quarantine=30)
    p.rejected("b", Reason.STOPPING)
    assert (p.pool.in_flight, p.pool.quarantined) == (0, 1)


def test_new_rules_drop_nobody() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.arrive("b")
    p.refit(limit=2)
    p.granted("b")
    p.refit(limit=1)
    p.arrive("c")
    p.leave("a")
    p.waits("c")
    p.leave("b")
    p.granted("c")


@pytest.mark.parametrize("own", [1, 3])
def test_new_rules_leave_a_backends_own_limit_alone(own: int) -> None:
    p = Playbook(limit=1)
    p.pods("special", limit=own, ready=True)
    p.refit(limit=2)
    assert p.pool.backends["special"].limit == own
    p.pool.replace_backends([listed("special", limit=4)], 0.0)
    assert p.pool.backends["special"].limit == 4
    p.pool.replace_backends([listed("special")], 0.0)
    assert p.pool.backends["special"].limit == 2


def test_a_stranger_changes_nothing() -> None:
    p = Playbook("gpu-1")
    assert p.pool.leave(Ticket(Lane.COUNTED), 0.0, Ending.CLIENT_LEFT_WAITING) == []
    assert p.pool.position(Ticket(Lane.COUNTED)) == 0
    assert Ticket(Lane.COUNTED).state is TicketState.NEW
