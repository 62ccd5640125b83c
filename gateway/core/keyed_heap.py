"""A heap whose members may leave from anywhere, at any time.

One structure serves the lines (key: number of arrival), the deadlines (key: seconds) and the rankings of backends
(key: a tuple). An entry whose member has left or was given another key stays in the heap until it comes to the
top or until such dead entries are the majority; then the heap is rebuilt. So `put`, `discard` and `first` are
O(log n) amortised, and memory is proportional to the members, not to the traffic.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, KeysView

Member = TypeVar("Member")

#: Dead entries that are tolerated before a small heap is rebuilt.
_SLACK = 64


class KeyedHeap(dict[Member, tuple[Any, int, Member]]):
    """Members by key, smallest first. Equal keys: the one put first.

    It is the dict of its members' entries, so that to ask whether somebody is in, or how many are, costs no call of
    Python's: a request asks that some thirty times. Only `put` and `discard` and what follows here may change it.
    """

    __slots__ = ("_heap", "_puts")

    def __init__(self) -> None:
        super().__init__()
        self._heap: list[tuple[Any, int, Member]] = []
        self._puts = 0

    def put(self, member: Member, key: Any) -> None:
        """Let `member` in, or give it another key."""
        present = self.get(member)
        if present is not None and present[0] == key:
            return
        self._puts += 1
        entry = (key, self._puts, member)
        self[member] = entry
        heapq.heappush(self._heap, entry)
        if len(self._heap) > 2 * len(self) + _SLACK:
            self._rebuild()

    def discard(self, member: Member) -> None:
        """Let `member` out; nothing happens if it is not in."""
        if self.pop(member, None) is None:
            return
        if len(self._heap) > 2 * len(self) + _SLACK:
            self._rebuild()

    def first(self) -> Member | None:
        """The member with the smallest key."""
        entry = self._top()
        return entry[2] if entry is not None else None

    def first_but(self, member: Member | None) -> Member | None:
        """The first member that is not `member`; `member` itself if it is the only one."""
        entry = self._top()
        if entry is None or entry[2] is not member or len(self) == 1:
            return entry[2] if entry is not None else None
        KeyedHeap.discard(self, member)  # for a moment: one that tells of departures has none to tell of
        other = self.first()
        KeyedHeap.put(self, member, entry[0])
        return other

    def first_key(self) -> Any | None:
        """The smallest key."""
        entry = self._top()
        return entry[0] if entry is not None else None

    def first_few(self, count: int) -> list[Member]:
        """The `count` with the smallest keys, in order: O(count log count) in the long run, however many there are."""
        self._top()  # without those that are dead: from the front most of them leave
        if len(self._heap) - len(self) > count + len(self) // 4:
            self._rebuild()  # they would all be looked at
        heap, few = self._heap, list[Member]()
        frontier = [(*heap[0][:2], 0)] if heap else []
        while frontier and len(few) < count:
            *_, at = heapq.heappop(frontier)
            entry = heap[at]
            if self.get(entry[2]) is entry:
                few.append(entry[2])
            for child in (2 * at + 1, 2 * at + 2):
                if child < len(heap):
                    heapq.heappush(frontier, (*heap[child][:2], child))
        return few

    def pop_until(self, key: Any) -> Iterator[Member]:
        """Take out the members whose keys are at most `key`, smallest first."""
        while (entry := self._top()) is not None and entry[0] <= key:
            del self[entry[2]]
            yield entry[2]

    def members(self) -> KeysView[Member]:
        """All members, in no order, at no cost for order."""
        return self.keys()

    def __iter__(self) -> Iterator[Member]:
        """All members in order: O(n log n), for snapshots and for moving a whole line."""
        return (entry[2] for entry in sorted(self.values(), key=lambda entry: entry[:2]))

    def _top(self) -> tuple[Any, int, Member] | None:
        heap = self._heap
        while heap:
            entry = heap[0]
            if self.get(entry[2]) is entry:
                return entry
            heapq.heappop(heap)
        return None

    def _rebuild(self) -> None:
        self._heap = list(self.values())
        heapq.heapify(self._heap)
