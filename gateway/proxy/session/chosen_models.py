"""Models that clients have chosen for their jobs that name none.

Whoever sets the one server's model by one request, and paints by the next, finds that model there. With several servers
the two requests may meet different ones, and somebody else's choice may come in between. So a choice is its client's:
of its session, or of its address where it brings no cookie. It is what its jobs need, and it is made anew, in the job's
own slot, on a backend that has another model of its own. Bounded; the least recently used goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.core.records.lanes import ModelNeed
from gateway.profiles.treatment import Chosen
from gateway.proxy.session.latest import REMEMBERED, Latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.records.backends_and_tickets import Backend, Ticket
    from gateway.profiles.treatment import Choosing, More

#: Characters of a name that is remembered.
_LONGEST = 512


@dataclass(slots=True)
class Choice:
    """The model that one job is to be done with."""

    model: str  # as its client spells it
    _owing: set[str] = field(default_factory=set)  # identities of backends that may have another one

    def is_due(self, ticket: Ticket) -> bool:
        """The backend that the ticket was granted is to be told first."""
        assert ticket.backend is not None
        if not ticket.finds_own:
            self._owing.add(ticket.backend.identity)
        return ticket.backend.identity in self._owing

    def made(self, backend: Backend) -> None:
        """The backend has been told."""
        self._owing.discard(backend.identity)


class ChosenModels:
    """One pool's."""

    def __init__(self, capacity: int = REMEMBERED) -> None:
        self._models: Latest[str] = Latest(capacity)

    def arrive(
        self, ticket: Ticket, address: str, more: More, choosing: Choosing, ready: Iterable[Backend]
    ) -> Choice | None:
        """A request of `address` comes: what it chooses counts from here on. Returns the choice that its backend is to
        be told, if it is a job and there is one; the ticket needs that model then."""
        if more.chooses is not None and len(more.chooses) <= _LONGEST:
            for owner in _owners(ticket, address):
                self._models.put(owner, more.chooses)
        chosen = self._models.get(_owners(ticket, address)[0]) if more.chosen is not None else None
        if chosen is None:
            return None
        name = choosing.name(chosen)
        if more.chosen is Chosen.USED:
            if ticket.need is not None:
                ticket.need = ModelNeed(name, stays=True)
            return Choice(chosen)
        if not ticket.returning:  # it is shown its choice, where that can be
            ticket.home = next((each.identity for each in ready if each.own_model == name), ticket.home)
        return None

    def shown(self, ticket: Ticket, address: str, backend: Backend, choosing: Choosing) -> None:
        """A client is told the backend's own model, and goes by that."""
        own, owners = backend.own_model, _owners(ticket, address)
        chosen = self._models.get(owners[0])
        if own is not None and (chosen is None or choosing.name(chosen) != own):
            for owner in owners:
                self._models.put(owner, own)

    def failed(self, ticket: Ticket, address: str) -> None:
        """A client's choice was not taken."""
        for owner in _owners(ticket, address):
            self._models.discard(owner)

    def __len__(self) -> int:
        return len(self._models)


def _owners(ticket: Ticket, address: str) -> tuple[str, ...]:
    """Whose a request's choice is, the first for looking up. A newcomer may keep the cookie that it gets, or not."""
    session = () if ticket.session is None else (f"session {ticket.session}",)
    return session if ticket.returning and session else (f"address {address}", *session)
