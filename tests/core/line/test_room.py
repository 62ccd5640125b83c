"""Places and bytes, taken and given back."""

from __future__ import annotations

from gateway.core.line.room import Budget, Room
from gateway.core.policy import Policy
from gateway.core.records.decisions import Reason


def test_a_place_is_held_until_the_request_joins_the_line() -> None:
    budget = Budget(Policy(bytes_limit=100))
    room = Room(budget, place=True)
    assert budget.uploading == 1
    room.leave_place()
    room.leave_place()
    assert budget.uploading == 0


def test_a_spare_room_has_no_place() -> None:
    budget = Budget(Policy(bytes_limit=100))
    room = Room(budget, place=False)
    room.close()
    assert budget.uploading == 0


def test_all_who_share_a_budget_share_its_bound() -> None:
    budget = Budget(Policy(bytes_limit=100))
    one, other = Room(budget, place=True), Room(budget, place=True)
    assert one.take(60)
    assert not other.take(41), "and nothing of it is taken"
    assert other.take(40)
    one.give(10)
    assert (other.take(11), other.take(10), budget.bytes_held) == (False, True, 100)


def test_closing_gives_everything_back_once() -> None:
    budget = Budget(Policy(bytes_limit=100))
    one, other = Room(budget, place=True), Room(budget, place=True)
    one.take(60)
    other.take(40)
    one.give(20)
    one.close()
    one.close()
    assert (budget.bytes_held, budget.uploading) == (40, 1)


def test_no_client_holds_more_than_its_share() -> None:
    budget = Budget(Policy(bytes_limit=100, client_share=25))
    room, other, nobody = Room(budget, "a", place=True), Room(budget, "a", place=True), Room(budget, place=True)
    assert room.take(20)
    assert not other.take(6)
    assert (other.lacked, budget.held_by("a").bytes, budget.held_by("a").places) == (Reason.CLIENT_FULL, 20, 2)
    assert Room(budget, "b", place=True).take(25)
    assert nobody.take(55)
    assert not other.take(1)
    assert other.lacked is Reason.BYTES_FULL
    for each in (room, other):
        each.close()
    assert (budget.held_by("a").bytes, budget.held_by("a").places, budget.bytes_held) == (0, 0, 80)


def test_a_client_may_hold_one_body_whatever_its_share() -> None:
    assert Room(Budget(Policy(bytes_limit=100, longest_body=60)), "a", place=False).take(60)


def test_what_fits_is_not_taken() -> None:
    budget = Budget(Policy(bytes_limit=100))
    room = Room(budget, place=True)
    assert (room.fits(100), room.fits(101), budget.bytes_held) == (True, False, 0)
