"""Order with departures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.keyed_heap import KeyedHeap


def test_smallest_key_first_and_equal_keys_in_order_of_arrival() -> None:
    heap: KeyedHeap[str] = KeyedHeap()
    for member, key in [("late", 2), ("first", 1), ("second", 1)]:
        heap.put(member, key)

    assert list(heap) == ["first", "second", "late"]
    assert (heap.first(), heap.first_key(), len(heap)) == ("first", 1, 3)


def test_one_that_left_is_not_seen_again_until_it_comes_back() -> None:
    heap: KeyedHeap[str] = KeyedHeap()
    heap.put("a", 1)
    heap.put("b", 2)
    heap.discard("a")
    assert heap.first() == "b"

    heap.put("a", 1)
    assert heap.first() == "a"


def test_a_new_key_replaces_the_old_one() -> None:
    heap: KeyedHeap[str] = KeyedHeap()
    heap.put("a", 1)
    heap.put("b", 2)
    heap.put("a", 3)

    assert list(heap.pop_until(2)) == ["b"]
    assert heap.first_key() == 3


def test_nothing_in_it() -> None:
    heap: KeyedHeap[str] = KeyedHeap()
    heap.discard("nobody")

    assert (heap.first(), heap.first_key(), list(heap.pop_until(9))) == (None, None, [])


def test_the_first_but_one() -> None:
    heap: KeyedHeap[str] = KeyedHeap()
    assert heap.first_but("a") is None
    heap.put("a", 1)
    assert heap.first_but("a") == "a", "there is nobody else"

    heap.put("b", 2)
    assert (heap.first_but("a"), heap.first_but("b"), heap.first_but(None)) == ("b", "a", "a")
    assert list(heap) == ["a", "b"], "and nobody has moved"


def test_memory_follows_the_members_and_not_the_traffic() -> None:
    heap: KeyedHeap[int] = KeyedHeap()
    for member in range(10_000):
        heap.put(member, member)
        heap.discard(member - 1)

    assert len(heap._heap) < 200
    assert heap.first() == 9_999

    for member in range(10_000):
        heap.put(member, member)
    for member in range(10_000):
        heap.discard(member)
    assert len(heap._heap) < 200


@given(st.lists(st.tuples(st.integers(0, 9), st.one_of(st.none(), st.integers(0, 5)))))
def test_it_agrees_with_a_sorted_list(steps: list[tuple[int, int | None]]) -> None:
    heap: KeyedHeap[int] = KeyedHeap()
    model: dict[int, int] = {}
    for member, key in steps:
        if key is None:
            heap.discard(member)
            model.pop(member, None)
        else:
            heap.put(member, key)
            model[member] = key
        assert heap.first_key() == (min(model.values()) if model else None)
        assert [model[m] for m in heap] == sorted(model.values())
        assert heap.members() == model.keys()
        assert all((m in heap) == (m in model) for m in range(10))


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9), st.booleans())), st.integers(0, 40))
def test_the_first_few_are_the_beginning_of_the_order(steps: list[tuple[int, int, bool]], count: int) -> None:
    heap: KeyedHeap[int] = KeyedHeap()
    for member, key, stays in steps:
        heap.put(member, key)
        if not stays:
            heap.discard(member)

    assert heap.first_few(count) == list(heap)[:count]


def test_those_who_left_do_not_stand_in_the_way_of_the_first_few() -> None:
    heap: KeyedHeap[int] = KeyedHeap()
    for number in range(40):
        heap.put(number, number)
    for number in range(35):
        heap.discard(number)

    assert heap.first_few(3) == [35, 36, 37]


def test_nor_do_those_in_the_middle_who_have_other_places_now() -> None:
    heap: KeyedHeap[int] = KeyedHeap()
    for member in range(10):
        heap.put(member, member)
    for member in range(2, 9):
        heap.put(member, member + 100)

    assert heap.first_few(4) == [0, 1, 9, 2]
