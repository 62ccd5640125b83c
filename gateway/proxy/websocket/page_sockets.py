"""Websockets on which pages hear of their jobs. A pod tells of a job on its own websockets alone, so a page's belong
where its session's jobs are done: when one is about to begin on a backend, those that the session has elsewhere are
closed. Pages open them anew, and find the backend by the work that it does for their session, or else at home.

It never closes one that holds a slot, nor one on a backend that works for the session at that moment.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import anyio

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from gateway.core.records.backends_and_tickets import Backend, Ticket
    from gateway.proxy.session.client_names import ClientNames

#: Seconds that a job waits for its page to be back, so that the page hears of its beginning. ComfyUI's opens a new
#: websocket after 0.3 s; one in the background may take longer, and a program may never do it.
BACK_WITHIN = 1.0


class Closable(Protocol):
    """An open websocket; `tunnel.Tunnel` is one."""

    def end(self, why: str) -> None:
        """Close it. Harmless when repeated."""


@dataclass(frozen=True, slots=True, eq=False)
class PageSocket:
    """One of a page's."""

    session: str | None
    keys: tuple[str, ...]  # names of the page besides its cookie
    address: str  # of its client
    backend: Backend
    tunnel: Closable


class PageSockets:
    """One pool's."""

    def __init__(self, names: ClientNames) -> None:
        self._names = names
        self._by_name: dict[str, dict[PageSocket, None]] = {}
        self._at: dict[str, dict[PageSocket, None]] = {}  # by address, the latest last
        self._opened = anyio.Event()

    @contextmanager
    def open(self, ticket: Ticket, keys: tuple[str, ...], address: str, tunnel: Closable) -> Iterator[None]:
        """`tunnel`, made for `ticket`, is open."""
        assert ticket.backend is not None
        socket = PageSocket(ticket.session, keys, address, ticket.backend, tunnel)
        places = [(self._at, address), *((self._by_name, name) for name in _names_of(socket))]
        for index, name in places:
            index.setdefault(name, {})[socket] = None
        self._opened.set()
        self._opened = anyio.Event()
        try:
            yield
        finally:
            for index, name in places:
                del index[name][socket]
                if not index[name]:
                    del index[name]

    def beside(self, address: str) -> str | None:
        """The backend on which the latest page of this address has its websocket."""
        return next((socket.backend.identity for socket in reversed(self._at.get(address, {}))), None)

    def astray(self, ticket: Ticket, keys: tuple[str, ...]) -> list[PageSocket]:
        """Those that are to be closed now that `ticket` has a turn."""
        session, backend = ticket.session, ticket.backend
        if not self._by_name or session is None or backend is None:
            return []
        return [
            socket
            for socket in self._named((session, *keys))
            if socket.backend.identity != backend.identity
            and self._belongs_to(socket, session)
            and not socket.backend.works_for(session)
        ]

    async def gathered(self, ticket: Ticket, keys: tuple[str, ...]) -> bool:
        """Closes them, and waits for the page of this job to be back. False: there were none."""
        astray, backend = self.astray(ticket, keys), ticket.backend
        if not astray or backend is None:
            return False
        for socket in astray:
            socket.tunnel.end(f"its session's work is done on {backend.name} now")
        its = [socket for socket in astray if not keys or set(keys) & set(socket.keys)]
        with anyio.move_on_after(BACK_WITHIN):
            while not all(self._is_back(socket, backend) for socket in its):
                await self._opened.wait()
        return True

    def _belongs_to(self, socket: PageSocket, session: str) -> bool:
        """By its cookie, or by a name that leads to that session now."""
        known = self._names.find(socket.keys)
        return session in (socket.session, known.session if known is not None else None)

    def _is_back(self, closed: PageSocket, backend: Backend) -> bool:
        names = closed.keys or _names_of(closed)
        return any(socket.backend.identity == backend.identity for socket in self._named(names))

    def _named(self, names: Collection[str]) -> list[PageSocket]:
        return list({socket: None for name in names for socket in self._by_name.get(name, ())})

    def __len__(self) -> int:
        return len(self._by_name)


def _names_of(socket: PageSocket) -> tuple[str, ...]:
    return socket.keys if socket.session is None else (socket.session, *socket.keys)
