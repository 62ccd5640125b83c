"""Model affinity of one pool: which backend has which model, which ticket needs which, and what that means for the
match.

A pool without has none of this. One with it keeps three of its orders here (`ready`, `free` and `shared`: the same
heaps, which tell what comes and goes), so that the availability and the line need not know.

A session's home goes before its model: who is bound waits as ever, and a free home serves whatever is loaded. Models
decide among the other free backends, and who of the shared line is next.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from gateway.core.keyed_heap import KeyedHeap
from gateway.core.models.models import Model, ModelLine, ModelStock
from gateway.core.records.backends_and_tickets import Ticket

if TYPE_CHECKING:
    from gateway.core.backends.availability import Availability
    from gateway.core.records.backends_and_tickets import Backend
    from gateway.core.records.counts import Counts


class ModelAffinity:
    """One pool's. `switch_cost`: seconds that waiting for a backend which has the model is worth, more than 0."""

    def __init__(self, switch_cost: float, counts: Counts) -> None:
        self.switch_cost = switch_cost
        self.stock: ModelStock[Backend] = ModelStock()
        self.line: ModelLine[Ticket] = ModelLine(switch_cost, self.stock.holders)
        self.ready: KeyedHeap[Backend] = _Ready(self)
        self.free: KeyedHeap[Backend] = _Free(self.stock)
        self.shared: KeyedHeap[Ticket] = _Shared(self)
        self._counts = counts
        self._newcomers: dict[Model, None] = {}  # what those need who have joined the shared line since the last match
        self._own: Counter[str] = Counter()  # the backends' own models, of ready ones

    # What the match asks

    def needs(self, ticket: Ticket) -> Model:
        """The model that a backend should have loaded for a ticket. A ticket that names none takes a backend's own:
        the one that all have, if that is one."""
        if ticket.need is None or ticket.need.model is not None:
            return ticket.model
        return next(iter(self._own)) if len(self._own) == 1 else None

    def serves_at_once(self, ticket: Ticket) -> bool:
        """A free backend should serve it, if nobody else waits: one that has its model or nothing, or any, if none of
        those that are at work has it."""
        model = self.needs(ticket)
        stock = self.stock
        return stock.free_with(model) is not None or stock.has_a_free_empty_one or not stock.holders(model)

    def choose(self, ticket: Ticket, availability: Availability) -> Backend:
        """Home, else the free one that serves it best; where its turn broke only if there is nobody else."""
        home, best = availability.home_of(ticket), self.stock.choose(self.needs(ticket))
        if best is None or best is ticket.broke_on or (home is not None and home in self.free):
            return availability.choose(ticket, self.free)
        return best

    def next_for(self, backend: Backend) -> Ticket | None:
        """The ticket of the shared line that a free backend should serve."""
        loaded = self.stock.loaded(backend)
        return self.shared.first() if loaded is None else self.line.next_for(loaded)

    def next_for_anybody(self) -> Ticket | None:
        """The ticket of the shared line that any free backend should serve."""
        return self.shared.first() if self.stock.has_a_free_empty_one else self.line.next_for(None)

    def called(self) -> list[Backend]:
        """Free backends that have what newcomers of the shared line need: each model's first."""
        newcomers, self._newcomers = self._newcomers, {}
        return self.free_with(*newcomers)

    def free_with(self, *models: Model) -> list[Backend]:
        """Free backends that have one of these models: the first of each model."""
        return [backend for model in models if (backend := self.stock.free_with(model)) is not None]

    # What it is told

    def joined(self, ticket: Ticket) -> None:
        """The shared line. Who comes back from a turn has waited enough."""
        model = self.needs(ticket)
        self.stock.asked(model, ticket.arrived_at)
        self.line.put(ticket, ticket.number, model, due=ticket.turns > 0, window_until=ticket.window_until)
        self._newcomers[model] = None

    def granted(self, ticket: Ticket, backend: Backend, now: float) -> None:
        """The backend has what the ticket needs from here on."""
        need = ticket.need
        ticket.finds_own = need is not None and not backend.model_unsure and need.model == backend.own_model is not None
        backend.model_named = need is not None and need.model is not None
        if need is None:
            backend.model_unsure = True
            return
        model = backend.own_model if need.model is None else need.model
        if need.stays:
            self._is_own(backend, model)
        before, known = backend.model, model is not None
        ticket.had_model = before == model if known else None
        self._counts.model_switches += known and before not in (None, model)
        backend.model_unsure = backend.model_unsure or not known
        self._load(backend, model, now)

    def told(self, backend: Backend, model: Model, now: float) -> None:
        """A resting backend has named its own model: the loaded one, unless the last job named another. None: it did
        not say."""
        backend.model_unsure = False
        if model is None:
            return
        self._is_own(backend, model)
        if not backend.model_named:
            self._load(backend, model, now)

    def became_ready(self, backend: Backend) -> None:
        """A backend has become ready."""
        self.stock.load(backend, backend.model, backend.ready_at)
        self.line.reconsider(backend.model)
        if backend.own_model is not None:
            self._own[backend.own_model] += 1

    def ceased_to_be_ready(self, backend: Backend) -> None:
        """Nobody waits for what it has any longer."""
        self.line.reconsider(self.stock.forget(backend))
        self._not_own(backend)

    def _load(self, backend: Backend, model: Model, now: float) -> None:
        backend.model = model
        if backend in self.ready:
            before = self.stock.load(backend, model, now)
            self.line.reconsider(before)
            self.line.reconsider(model)

    def _is_own(self, backend: Backend, model: Model) -> None:
        ready = backend in self.ready
        if ready:
            self._not_own(backend)
        backend.own_model = model
        if ready and model is not None:
            self._own[model] += 1

    def _not_own(self, backend: Backend) -> None:
        if backend.own_model is not None:
            self._own[backend.own_model] -= 1
            if not self._own[backend.own_model]:
                del self._own[backend.own_model]


class _Ready(KeyedHeap["Backend"]):
    __slots__ = ("_models",)

    def __init__(self, models: ModelAffinity) -> None:
        super().__init__()
        self._models = models

    def put(self, member: Backend, key: Any) -> None:
        if member not in self:
            self._models.became_ready(member)
        super().put(member, key)

    def discard(self, member: Backend) -> None:
        if member in self:
            self._models.ceased_to_be_ready(member)
        super().discard(member)


class _Free(KeyedHeap["Backend"]):
    __slots__ = ("_stock",)

    def __init__(self, stock: ModelStock[Backend]) -> None:
        super().__init__()
        self._stock = stock

    def put(self, member: Backend, key: Any) -> None:
        super().put(member, key)
        self._stock.free(member, key)

    def discard(self, member: Backend) -> None:
        super().discard(member)
        self._stock.take(member)


class _Shared(KeyedHeap[Ticket]):
    __slots__ = ("_models",)

    def __init__(self, models: ModelAffinity) -> None:
        super().__init__()
        self._models = models

    def put(self, member: Ticket, key: Any) -> None:
        if member not in self:
            self._models.joined(member)
        super().put(member, key)

    def discard(self, member: Ticket) -> None:
        if member in self:  # it may come back, and is overtaken once
            member.window_until = self._models.line.window_of(member)
        super().discard(member)
        self._models.line.discard(member)
