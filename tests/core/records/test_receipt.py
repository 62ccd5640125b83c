"""Why am I waiting: what a receipt says, and of whom."""

from __future__ import annotations

from gateway.core.records.decisions import Ending, Reason
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState
from gateway.core.records.receipt import SHOWN
from gateway.core.views.snapshot import view_of
from tests.core.playbook import Playbook


def test_a_slot_becomes_free() -> None:
    p = Playbook("gpu-1", limit=1)
    p.arrive("a", rule="POST /paint")
    p.granted("a")
    p.arrive("b", rule="POST /paint", session="mine")
    assert p.receipt("b") == "counted by POST /paint; no home yet; came as number 1 in line; gpu-1 busy"
    p.at(10)
    p.leave("a")
    p.granted("b")
    assert p.receipt("b") == (
        "counted by POST /paint; gpu-1 is its new home; came as number 1 in line; gpu-1 busy; gpu-1 became free"
    )


def test_who_does_not_wait_has_little_to_tell_and_costs_nothing() -> None:
    p = Playbook("gpu-1")
    p.arrive("a", session="mine", home="gpu-1")
    p.granted("a")
    assert (p.tickets["a"].met, p.receipt("a")) == (None, "counted; at home on gpu-1")
    p.leave("a")
    assert p.receipt("a") == "counted; at home on gpu-1"


def test_a_backend_becomes_ready() -> None:
    p = Playbook()
    p.arrive("first")
    assert p.receipt("first") == "counted; came as number 1 in line; there was no backend"
    p.pods("gpu-1")
    p.arrive("page", Lane.EXEMPT)
    p.at(40)
    p.ready("gpu-1")
    p.granted("page")
    p.granted("first")
    assert p.receipt("first").endswith("; there was no backend; gpu-1 became ready")
    assert p.receipt("page") == "exempt; came as number 2 in line; gpu-1 starting; gpu-1 became ready"


def test_a_lister_may_vouch_for_it() -> None:
    p = Playbook()
    p.arrive("a")
    p.pods("gpu-1", ready=True)
    p.granted("a")
    assert p.receipt("a").endswith("; gpu-1 became ready")


def test_a_quarantine_ends() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.leave("a", Ending.BACKEND_BROKE_IN_ANSWER, quarantine=30)
    p.arrive("b")
    p.at(30)
    p.granted("b")
    assert p.receipt("b").endswith("; gpu-1 quarantined; a quarantine of gpu-1 ended")


def test_home_comes_first_and_somebody_else_may_help_out() -> None:
    p = Playbook("gpu-1", "gpu-2", "gpu-3", spill_after=5.0)
    p.arrive("a", session="mine", home="gpu-2")
    p.granted("a", on="gpu-2")
    p.arrive("b", session="mine", home="gpu-2", spill=True)
    assert p.receipt("b") == (
        "counted; its home is gpu-2; came as number 1 in line; gpu-2 busy, gpu-1 not its home, gpu-3 not its home"
    )
    p.at(5)
    p.granted("b", on="gpu-1")
    assert p.receipt("b").startswith("counted; not at home, on gpu-1;")
    assert p.receipt("b").endswith("; gpu-1 helped out")


def test_who_need_not_wait_for_home_says_why_it_is_elsewhere() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a", session="mine", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("b", session="mine", home="gpu-1", spill=True)
    p.granted("b", on="gpu-2")
    assert p.receipt("b") == "counted; not at home, on gpu-2, as gpu-1 had no slot free"
    p.drain("gpu-1")
    p.leave("b")
    p.arrive("c", session="mine", home="gpu-1")
    p.granted("c", on="gpu-2")
    assert p.receipt("c") == "counted; gpu-2 is its new home, as the one it had could not serve it"


def test_a_page_s_small_requests_may_be_served_elsewhere_while_home_rests() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a", session="mine", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.give_back("a")
    p.granted("a", on="gpu-2")
    p.arrive("page", Lane.EXEMPT, session="other", home="gpu-1")
    p.granted("page", on="gpu-2")
    assert p.receipt("page") == "exempt; not at home, on gpu-2"


def test_a_home_that_cannot_serve() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.state("gpu-1", BackendState.DRAINING)
    p.arrive("a")
    p.granted("a", on="gpu-2")
    p.arrive("b", session="mine", home="gpu-1")
    assert "; its home cannot serve it; " in p.receipt("b")
    assert p.receipt("b").endswith("gpu-1 draining, gpu-2 busy")
    p.leave("b", Ending.CLIENT_LEFT_WAITING)
    assert p.receipt("b").endswith("; client_left_waiting")


def test_a_turn_that_was_given_back_is_waited_for_again() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.give_back("a")
    assert p.receipt("a") == "counted; gpu-1 suspect"
    p.at(1)
    p.granted("a")
    assert p.receipt("a") == "counted; gpu-1 suspect; gpu-1 became ready"


def test_refusals_say_which() -> None:
    p = Playbook(queue_timeout=5.0, cold_timeout=5.0)
    p.arrive("a")
    p.at(5)
    p.rejected("a", Reason.NOTHING_CAME_UP)
    assert p.receipt("a").endswith("; there was no backend; nothing_came_up")


def test_a_process_that_has_ended_with_work_in_hand_is_gone() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.state("gpu-1", BackendState.GONE)
    p.arrive("b")
    assert p.receipt("b").endswith("; gpu-1 gone")


def test_no_more_are_named_than_one_reads_and_a_crowd_shares_a_note() -> None:
    p = Playbook(*(f"gpu-{number}" for number in range(20)))
    for number in range(22):
        p.arrive(f"job-{number}")
        if number < 20:
            p.granted(f"job-{number}")
    assert p.receipt("job-20").endswith(f"gpu-{SHOWN - 1} busy, and 12 more")
    assert p.tickets["job-20"].met is p.tickets["job-21"].met


def test_a_snapshot_tells_how_it_is_now() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    for name in ("b", "c"):
        p.arrive(name)
    p.give_back("a")
    view = view_of(p.pool, p.now)
    assert [(ticket.label, ticket.why.rpartition("; ")[2]) for ticket in view.line.tickets] == [
        ("a", "gpu-1 suspect"),
        ("b", "gpu-1 suspect"),
        ("c", "gpu-1 suspect"),
    ]
