"""Models as such: which one is loaded where, and for how long a request may wait for one. Knows neither backends nor
tickets: `affinity.py` does.

Loading a model takes a backend as long as the work itself, so a request had better go where its model is. Two things
can be traded for that: another backend than the first in rank (free of charge), and a place in line (never for more
than `switch_cost` seconds):

- `ModelStock` says which free backend serves a request best: one that has its model, else an empty one, else one whose
  model was not asked for the longest.
- `ModelLine` says which request a free backend serves best: the oldest that needs nothing else loaded; if there is
  none, the oldest whose model too few backends have. While a backend that has its model is only busy, a request waits
  for it; one for each such backend, the others may have another one switched. (A backend of which nothing is known
  serves the oldest of all: nothing is lost by it.)

Nobody starves. From the moment on that somebody younger went ahead of a request, or that it was left waiting though a
backend was free, its window runs, once; `switch_cost` seconds later it is *due*, and those that are due go before all
others, by number. So younger requests can only have gone ahead within the window: it waits longer than in a plain line
by at most `switch_cost` and the work that was begun in the window. A cost of 0 is the plain line.

Each step is O(log n) in requests, backends and models: a window begins once for each request, and the requests of one
model are moved as one entry, by the oldest of them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gateway.core.keyed_heap import KeyedHeap

if TYPE_CHECKING:
    from collections.abc import Callable

Request = TypeVar("Request")
Server = TypeVar("Server")

#: A model's name; None: nothing is loaded, or nothing in particular is needed.
Model = str | None


class ModelStock(Generic[Server]):
    """Ready backends by what they have loaded, and those of them that are free."""

    def __init__(self) -> None:
        self._loaded: dict[Server, Model] = {}
        self._ranks: dict[Server, Any] = {}  # of the free ones
        self._holders: dict[Model, int] = {}
        self._asked: dict[Model, float] = {}  # when last, of loaded models alone: clients make names up
        self._free: KeyedHeap[Server] = KeyedHeap()
        self._free_with: dict[Model, KeyedHeap[Server]] = {}
        self._victims: KeyedHeap[Model] = KeyedHeap()  # models of free backends, the longest not asked for first

    def holders(self, model: Model) -> int:
        """The number of backends that have a model, busy or free."""
        return self._holders.get(model, 0)

    def loaded(self, server: Server) -> Model:
        """The model that a backend has."""
        return self._loaded.get(server)

    def load(self, server: Server, model: Model, now: float) -> Model:
        """A backend has this model from now on, and is ready. Returns the model that it had."""
        rank, before = self._ranks.get(server), self._loaded.get(server)
        self.take(server)
        self._count(server, -1)
        self._loaded[server] = model
        self._count(server, +1)
        self.asked(model, now)
        if rank is not None:
            self.free(server, rank)
        return before

    def forget(self, server: Server) -> Model:
        """A backend is not ready any more. Returns the model that it had."""
        self.take(server)
        self._count(server, -1)
        return self._loaded.pop(server, None)

    def free(self, server: Server, rank: Any) -> None:
        """A backend has a free slot. The least rank serves first, among backends that fit equally."""
        model = self._loaded.setdefault(server, None)
        self._ranks[server] = rank
        self._free.put(server, rank)
        self._free_with.setdefault(model, KeyedHeap()).put(server, rank)
        self._rank_victim(model)

    def take(self, server: Server) -> None:
        """A backend has no free slot."""
        if self._ranks.pop(server, None) is None:
            return
        model = self._loaded[server]
        self._free.discard(server)
        self._free_with[model].discard(server)
        self._rank_victim(model)

    def asked(self, model: Model, now: float) -> None:
        """A request that needs it arrived."""
        if model in self._holders:
            self._asked[model] = max(now, self._asked.get(model, now))
            self._rank_victim(model)

    def free_with(self, model: Model) -> Server | None:
        """The first free backend that has it; any, if nothing is needed."""
        if model is None:
            return self._free.first()
        return self._free_with[model].first() if model in self._free_with else None

    @property
    def has_a_free_empty_one(self) -> bool:
        """Whether a free backend has nothing loaded, or nothing that is known."""
        return None in self._free_with

    def choose(self, model: Model) -> Server | None:
        """The free backend that serves it best. None: all are busy."""
        if (found := self.free_with(model)) is not None:
            return found
        victim = self._victims.first()
        return self._free_with[victim].first() if len(self._victims) else None

    def _count(self, server: Server, change: int) -> None:
        if server not in self._loaded:
            return
        model = self._loaded[server]
        self._holders[model] = self._holders.get(model, 0) + change
        if not self._holders[model]:
            del self._holders[model]
            self._asked.pop(model, None)

    def _rank_victim(self, model: Model) -> None:
        if len(self._free_with.get(model, ())):
            self._victims.put(model, (model is not None, self._asked.get(model, 0.0)))
        else:
            self._victims.discard(model)
            self._free_with.pop(model, None)


class ModelLine(Generic[Request]):
    """The shared line. `holders` says how many ready backends have a model; `reconsider` is to be called when that has
    changed."""

    def __init__(self, switch_cost: float, holders: Callable[[Model], int]) -> None:
        self._cost = switch_cost
        self._holders = holders
        self._entries: dict[Request, tuple[int, Model]] = {}
        self._lines: dict[Model, KeyedHeap[Request]] = {}  # by number
        self._switching: KeyedHeap[Model] = KeyedHeap()  # models worth a switch, by the number of their oldest
        self._fresh: KeyedHeap[Request] = KeyedHeap()  # whose window has not begun, by number
        self._windows: KeyedHeap[Request] = KeyedHeap()  # by their end
        self._due: KeyedHeap[Request] = KeyedHeap()  # by number

    def __len__(self) -> int:
        return len(self._entries)

    def put(
        self, request: Request, number: int, model: Model, *, due: bool = False, window_until: float = math.inf
    ) -> None:
        """Into the line by its number of arrival. `due`: it has waited enough already. `window_until`: the end of its
        window, if that began when it was here before."""
        self._entries[request] = (number, model)
        self._lines.setdefault(model, KeyedHeap()).put(request, number)
        if due or self._cost <= 0 or window_until == -math.inf:
            self._due.put(request, number)
        elif window_until < math.inf:
            self._windows.put(request, window_until)
        else:
            self._fresh.put(request, number)
        self.reconsider(model)

    def window_of(self, request: Request) -> float:
        """When the window of a member ends; inf: it has not begun; -inf: it is due."""
        if request in self._due:
            return -math.inf
        begun = self._windows.get(request)
        return math.inf if begun is None else begun[0]

    def discard(self, request: Request) -> None:
        """Out of it; nothing happens if it is not in."""
        if request not in self._entries:
            return
        _, model = self._entries.pop(request)
        self._lines[model].discard(request)
        if not len(self._lines[model]):
            del self._lines[model]
        for heap in (self._fresh, self._windows, self._due):
            heap.discard(request)
        self.reconsider(model)

    def reconsider(self, model: Model) -> None:
        """More requests need it than backends have it, or no longer so."""
        line = self._lines.get(model)
        if line is not None and model is not None and len(line) > self._holders(model):
            self._switching.put(model, line.first_key())
        else:
            self._switching.discard(model)

    def model_of(self, request: Request) -> Model:
        """The model that a member of the line needs."""
        return self._entries[request][1]

    def next_for(self, loaded: Model) -> Request | None:
        """The one that a free backend with this model should serve. None: all who wait have a better backend to wait
        for."""
        if (due := self._due.first()) is not None:
            return due
        at_home = [line.first() for model in {loaded, None} if (line := self._lines.get(model))]
        if fitting := [request for request in at_home if request is not None]:
            return min(fitting, key=self._number)
        return self._lines[self._switching.first()].first() if len(self._switching) else None

    def first_due(self) -> Request | None:
        """The oldest of those whom nobody younger may overtake any more."""
        return self._due.first()

    def passed_over(self, number: int, now: float) -> None:
        """The request of this number was granted: the windows of those before it begin."""
        self._begin(number, now)

    def held_back(self, now: float) -> None:
        """A backend is free and nobody was chosen for it: all windows begin."""
        self._begin(None, now)

    def expire(self, now: float) -> None:
        """Members whose windows have ended are due."""
        for request in self._windows.pop_until(now):
            self._due.put(request, self._number(request))

    def next_event(self) -> float | None:
        """When `expire` has something to do; None: never, if nothing else happens."""
        return self._windows.first_key()

    def _begin(self, before: int | None, now: float) -> None:
        while (oldest := self._fresh.first()) is not None and (before is None or self._number(oldest) < before):
            self._fresh.discard(oldest)
            self._windows.put(oldest, now + self._cost)

    def _number(self, request: Request) -> int:
        return self._entries[request][0]
