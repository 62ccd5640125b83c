"""Errors that end a request before a backend has answered it, with the evidence. Status codes are chosen in
`answers/problems.py` alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.decisions import Ending, Reason

if TYPE_CHECKING:
    from gateway.core.records.decisions import Refusal

_CLOCKS_OF_THE_LINE = (Reason.WAITED_TOO_LONG, Reason.NOTHING_CAME_UP, Reason.CLIENT_LIMIT)


class EdgeError(Exception):
    """`ending` is what the request's record says of it."""

    ending = Ending.NO_ROUTE


class NoRoute(EdgeError):
    """No pool serves this host and path."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host  # a client's string


class Denied(EdgeError):
    """The pool's rules forbid this method and path."""


class DeniedClick(Denied):
    """The pool's profile forbids this button."""


class Unauthorised(EdgeError):
    """Clients must bring a key here. `brought`: this one did, and nobody knows it."""

    def __init__(self, *, brought: bool) -> None:
        super().__init__(brought)
        self.brought = brought


class TooManyWaiting(EdgeError):
    """As many requests of this client's key wait as may."""

    ending = Ending.REFUSED

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class UnknownVersion(EdgeError):
    """A websocket handshake in another version than 13."""


class BadHandshake(EdgeError):
    """A websocket handshake without one valid key."""


class BadMessage(EdgeError):
    """A client says something else on its websocket than the protocol wants."""


class ForeignOrigin(EdgeError):
    """A page of a site that is not allowed to asks for what its visitor's cookie would come with. `origin`, and the
    `host` asked for: as sent."""

    def __init__(self, origin: bytes, host: bytes) -> None:
        super().__init__(origin, host)
        self.origin = origin.decode("latin-1")
        self.host = host.decode("latin-1")


class BodyTooLarge(EdgeError):
    """`declared`: as its Content-Length says; None: found out while reading."""

    def __init__(self, limit: int, declared: int | None = None) -> None:
        super().__init__(limit, declared)
        self.limit = limit
        self.declared = declared


class BodyTooSlow(EdgeError):
    """The body paused for too long, or its pieces are too small: `received` bytes of it came in `waited` seconds."""

    ending = Ending.CLIENT_SLOW_UPLOADING

    def __init__(self, received: int, waited: float) -> None:
        super().__init__(received, waited)
        self.received = received
        self.waited = waited


class ClientLeft(EdgeError):
    """Nobody is there to answer. `ending` says at which stage they left."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending)
        self.ending = ending


class Withdrawn(EdgeError):
    """Its owner asked to stop it while it was in line."""

    ending = Ending.REFUSED


class Refused(EdgeError):
    """The core said no. `place`: where it stood in line when it arrived, if it did."""

    def __init__(self, refusal: Refusal, place: int | None = None) -> None:
        super().__init__(refusal)
        self.refusal = refusal
        self.place = place
        self.ending = Ending.WAITED if refusal.reason in _CLOCKS_OF_THE_LINE else Ending.REFUSED
