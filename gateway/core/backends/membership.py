"""Membership: writes into the backends what discovery, probes, ended processes and operators say of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.listed import BackendState, Listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.core.backends.availability import Availability
    from gateway.core.records.backends_and_tickets import Backend
    from gateway.core.records.counts import Counts
    from gateway.core.records.quarantine import Quarantine


class Membership:
    """Writes what was said into the backends, and has the match look at them."""

    def __init__(
        self,
        availability: Availability,
        counts: Counts,
        *,
        sessions_at: Callable[[str], int],
        reconsider: Callable[[Backend, float], None],
        pardon: Callable[[Backend, float], None],
        end_quarantines: Callable[[Backend, Iterable[Quarantine], float], None],
    ) -> None:
        """`sessions_at`: live sessions whose home has this identity. `reconsider`: something about the backend has
        changed. `pardon`: what its turns were like is over. `end_quarantines`: these of the backend are over."""
        self._availability = availability
        self._counts = counts
        self._sessions_at = sessions_at
        self._reconsider = reconsider
        self._pardon = pardon
        self._end_quarantines = end_quarantines

    def replace(self, listing: Iterable[Listed], now: float) -> None:
        """All that exist. One that is missing while busy drains; it is not forgotten, and if it comes back it is the
        same object."""
        backends = self._availability.backends
        present = {listed.identity: listed for listed in listing}
        for identity, listed in present.items():
            self._see(backends.get(identity) or self._meet(listed, now), listed, now)
        for backend in [b for b in backends.values() if b.identity not in present]:
            backend.listed = False
            self._reconsider(backend, now)

    def _meet(self, listed: Listed, now: float) -> Backend:
        backend = self._availability.first_seen(listed, self._sessions_at(listed.identity), now)
        self._counts.quarantines += len(backend.quarantines)
        return backend

    def _see(self, backend: Backend, listed: Listed, now: float) -> None:
        backend.listed = True
        backend.address, backend.direct_address = listed.address, listed.direct_address
        backend.own_limit, backend.limit = listed.limit, self._availability.limit_of(listed.limit)
        if listed.ready and backend.state is BackendState.STARTING:
            backend.state, backend.ready_at = BackendState.READY, now
        self._reconsider(backend, now)

    def set_state(self, backend: Backend, state: BackendState, now: float) -> None:
        """One that is gone stays so, and so does one that drains, until it is gone."""
        if backend.state is BackendState.GONE:
            return
        if backend.state is BackendState.DRAINING and state is not BackendState.GONE:
            return
        if state is BackendState.READY and backend.state is not state:
            backend.ready_at = now
        if state is BackendState.STARTING and backend.state is not state:
            backend.starting_since = now
        backend.state = state
        if state is BackendState.GONE:
            self._end_quarantines(backend, backend.quarantines, now)
        if state is BackendState.STARTING:
            self._pardon(backend, now)
        self._reconsider(backend, now)
        if state is BackendState.STARTING:
            backend.forget_model()
            backend.can_be_asked = True  # it may have been started anew, with what it lacked

    def hold(self, backend: Backend, held: bool, now: float) -> None:
        """An operator drains it, or does so no longer."""
        self._availability.hold(backend, held)
        self._reconsider(backend, now)

    def take_for_removal(self, now: float) -> Backend | None:
        """The one that is missed least drains from here on. None: all are busy."""
        backend = self._availability.most_dispensable()
        if backend is not None:
            backend.state = BackendState.DRAINING
            self._reconsider(backend, now)
        return backend

    def refit(self, now: float) -> None:
        """The policy is another one: limits and ranks may have changed."""
        for backend in self._availability.backends.values():
            backend.limit = self._availability.limit_of(backend.own_limit)
            self._reconsider(backend, now)

    def expire(self, now: float) -> None:
        """Suspicions that are over."""
        for backend in self._availability.suspects.pop_until(now):
            backend.ready_at = now
            self._reconsider(backend, now)
