"""Orders, carried out on real pools."""

from __future__ import annotations

from gateway.core.policy import Policy
from gateway.core.pool import Pool
from gateway.core.records.backends_and_tickets import Ticket, TicketState
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState, Listed
from gateway.ops.orders import Orders
from gateway.runtime.driver import Driver


def driver(pool: str, *pods: str) -> Driver:
    made = Driver(Pool(pool, Policy(limit=1), 0.0), lambda: 1.0)
    made.replace_backends([Listed(f"uid-{pod}", f"{pod}:1", pod, ready=True) for pod in pods])
    return made


def test_a_backend_goes_by_its_id_or_its_name_in_whichever_pool_it_is() -> None:
    one, other = driver("one", "a", "b"), driver("other", "c")
    orders = Orders(lambda: [one, other])

    assert orders.drain("uid-a") == ["one"]
    assert orders.drain("c") == ["other"]
    assert (one.pool.ready_count, other.pool.ready_count) == (1, 0)
    assert orders.undrain("a") == ["one"]
    assert one.pool.ready_count == 2


def test_what_changes_nothing_is_told_as_nothing() -> None:
    orders = Orders(lambda: [driver("one", "a")])

    assert orders.drain("nobody") == []
    assert orders.undrain("a") == []
    assert orders.release("a") == []
    assert orders.expel("nobody") == []


def test_a_quarantined_slot_is_released() -> None:
    one = driver("one", "a")
    ticket = Ticket(Lane.COUNTED)
    one.pool.arrive(ticket, 1.0)
    one.pool.leave(ticket, 1.0, Ending.BACKEND_BROKE_IN_ANSWER, quarantine=60)

    assert Orders(lambda: [one]).release("a") == ["one"]
    assert one.pool.quarantined == 0


def test_one_that_is_ejected_is_released() -> None:
    one = driver("one", "a", "b")
    one.refit(Policy(limit=1, health_errors=1))
    for session in "st":
        ticket = Ticket(Lane.COUNTED, session, "uid-a", True)
        one.pool.arrive(ticket, 1.0)
        ticket.status = 500
        one.pool.leave(ticket, 1.0, Ending.SERVED)

    assert one.pool.ejected_count == 1
    assert Orders(lambda: [one]).release("a") == ["one"]
    assert one.pool.ejected_count == 0


def test_one_in_line_is_taken_out_and_one_at_work_is_not() -> None:
    one = driver("one", "a")
    working, waiting = Ticket(Lane.COUNTED, label="r-1"), Ticket(Lane.COUNTED, label="r-2")
    one.pool.arrive(working, 1.0)
    one.pool.arrive(waiting, 1.0)
    orders = Orders(lambda: [one])

    assert (orders.expel("r-1"), orders.expel("r-2"), orders.expel("r-2")) == ([], ["one"], [])
    assert (working.state, waiting.state) == (TicketState.HOLDING, TicketState.ENDED)
    assert one.pool.backends["uid-a"].state is BackendState.READY
