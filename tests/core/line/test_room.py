"""Places and bytes, taken and given back."""

from __future__ import annotations

from gateway.core.line.room import Budget, Room


def test_a_place_is_held_until_the_request_joins_the_line() -> None:
    budget = Budget(bytes_limit=100)
    room = Room(budget, place=True)
    assert budget.uploading == 1
    room.leave_place()
    room.leave_place()
    assert budget.uploading == 0


def test_a_spare_room_has_no_place() -> None:
    budget = Budget(bytes_limit=100)
    room = Room(budget, place=False)
    room.close()
    assert budget.uploading == 0


def test_all_who_share_a_budget_share_its_bound() -> None:
    budget = Budget(bytes_limit=100)
    one, other = Room(budget, place=True), Room(budget, place=True)
    assert one.take(60)
    assert not other.take(41), "and nothing of it is taken"
    assert other.take(40)
    one.give(10)
    assert (other.take(11), other.take(10), budget.bytes_held) == (False, True, 100)


def test_closing_gives_everything_back_once() -> None:
    budget = Budget(bytes_limit=100)
    one, other = Room(budget, place=True), Room(budget, place=True)
    one.take(60)
    other.take(40)
    one.give(20)
    one.close()
    one.close()
    assert (budget.bytes_held, budget.uploading) == (40, 1)
