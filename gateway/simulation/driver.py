"""The driver of one pool in virtual time: hands its decisions to those who wait for them, and gives it the time.

The counterpart of `gateway.runtime.driver`, method by method: what is a task that goes on there is a call here.
Decides nothing.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Protocol

from gateway.core.records.decisions import Decision, Ending, Granted, Refusal, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.core.pool import Pool
    from gateway.core.records.backends_and_tickets import Backend, Ticket
    from gateway.core.records.listed import BackendState, Listed
    from gateway.simulation.loop import Loop


class Caller(Protocol):
    """A waiting request. Both methods may tell the driver new facts at once."""

    def turn(self, backend: Backend) -> None:
        """Its ticket has a (another) turn on `backend`."""

    def refused(self, refusal: Refusal) -> None:
        """Its ticket has ended."""


class Driver:
    """`on_wait` is called when a request has joined the line; `saw` with the time and the decisions that a fact has
    brought, before they are handed out."""

    def __init__(self, pool: Pool, loop: Loop) -> None:
        self.pool = pool
        self.loop = loop
        self.on_wait: Callable[[], None] = lambda: None
        self.saw: Callable[[list[Decision], float], None] = lambda decisions, now: None
        self._callers: dict[Ticket, Caller] = {}
        self._armed = math.inf

    # Requests

    def arrive(self, ticket: Ticket, caller: Caller) -> None:
        """A request takes its place in line."""
        self._callers[ticket] = caller
        self._dispatch(self.pool.arrive(ticket, self.loop.now))
        if ticket.turns == 0:
            self.on_wait()

    def watch_start(self) -> Refusal | None:
        """Somebody looks at a page that tells of the start."""
        refusal = self.pool.watch_start(self.loop.now)
        self._arm()
        self.on_wait()
        return refusal

    def client_left(self, ticket: Ticket) -> None:
        """The backend works on for nobody."""
        self._dispatch(self.pool.client_left(ticket, self.loop.now))

    def give_back(self, ticket: Ticket) -> None:
        """Its backend refused before a byte was written."""
        self._dispatch(self.pool.give_back(ticket, self.loop.now))

    def retry(self, ticket: Ticket, quarantine: float) -> None:
        """Its turn broke, and it may be repeated."""
        self._dispatch(self.pool.retry(ticket, self.loop.now, quarantine))

    def leave(self, ticket: Ticket, ending: Ending, quarantine: float = 0.0) -> None:
        """The request is over; the slot is quarantined for at most so many seconds."""
        self._callers.pop(ticket, None)
        self._dispatch(self.pool.leave(ticket, self.loop.now, ending, quarantine))

    # Backends

    def replace_backends(self, listing: Iterable[Listed]) -> None:
        """The whole list of backends that exist now."""
        self._dispatch(self.pool.replace_backends(listing, self.loop.now))

    def set_state(self, identity: str, state: BackendState) -> None:
        """Probing or a process's end gives a backend a state."""
        self._dispatch(self.pool.set_state(identity, state, self.loop.now))

    def backend_idle(self, identity: str, sent_at: float) -> None:
        """An idle probe, sent at `sent_at`, passed."""
        self._dispatch(self.pool.backend_idle(identity, sent_at, self.loop.now))

    def backend_busy(self, identity: str) -> None:
        """An idle probe said that the backend works."""
        self._dispatch(self.pool.backend_busy(identity, self.loop.now))

    def backend_model(self, identity: str, model: str | None, sent_at: float) -> None:
        """Asked at `sent_at`, it said what it has loaded; None: it does not say."""
        self._dispatch(self.pool.backend_model(identity, model, sent_at, self.loop.now))

    def start_failed(self, evidence: str, retry_in: float) -> None:
        """A start died; the next attempt is possible in `retry_in` seconds."""
        self._dispatch(self.pool.start_failed(evidence, self.loop.now + retry_in, self.loop.now))

    def start_succeeded(self) -> None:
        """A started backend became ready."""
        self.pool.start_succeeded(self.loop.now)

    def take_for_removal(self) -> str | None:
        """Choose a backend to stop and drain it; None: all are busy."""
        identity, decisions = self.pool.take_for_removal(self.loop.now)
        self._dispatch(decisions)
        return identity

    # The rest

    def stop(self) -> None:
        """Refuse everything that waits and everything that comes."""
        self._dispatch(self.pool.stop(self.loop.now))

    def _dispatch(self, decisions: list[Decision]) -> None:
        self._arm()
        self.saw(decisions, self.loop.now)
        for decision in decisions:
            if isinstance(decision, Granted):
                self._callers[decision.ticket].turn(decision.backend)
            elif isinstance(decision, Rejected):
                self._callers.pop(decision.ticket).refused(decision.refusal)

    def _arm(self) -> None:
        due = self.pool.next_event(self.loop.now)
        if due < self._armed:
            self._armed = due
            self.loop.at(due, partial(self._expire, due))

    def _expire(self, due: float) -> None:
        if due != self._armed:
            return  # superseded by a nearer one, which has armed anew
        self._armed = math.inf
        self._dispatch(self.pool.expire(self.loop.now))
