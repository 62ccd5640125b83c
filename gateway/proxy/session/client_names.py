"""Sessions and homes of clients without cookies, by the names that their requests carry, such as the name that a
page gives itself. A cookie goes first. Bounded; the least recently seen name goes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.proxy.session.latest import REMEMBERED, Latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.proxy.headers.forwarded import Header


@dataclass(slots=True)
class Known:
    """The session and home of a name."""

    session: str
    home: str | None  # identity of a backend, which may be gone; None: it is in line still


class ClientNames:
    """One pool's."""

    def __init__(self, capacity: int = REMEMBERED) -> None:
        self._known: Latest[Known] = Latest(capacity)

    def find(self, keys: Iterable[str]) -> Known | None:
        """The entry of the first name that is known."""
        for key in keys:
            if (known := self._known.get(key)) is not None:
                return known
        return None

    def remember(self, keys: Iterable[str], session: str, home: str | None) -> None:
        """All of these lead to one session and home. A key that is another session's stays it: it may have been
        guessed."""
        for key in keys:
            known = self._known.get(key) or Known(session, home)
            if known.session == session:
                known.home = home
            self._known.put(key, known)

    def forget(self, keys: Iterable[str]) -> None:
        """These names may lead to another session from now on."""
        for key in keys:
            self._known.discard(key)

    def __len__(self) -> int:
        return len(self._known)


def key_in(headers: Iterable[Header], name: bytes) -> tuple[str, ...]:
    """The key that the header `name` is, by its hash: the value may be a secret, and is neither kept nor shown. Empty
    if it is not there, is empty, or is there more than once."""
    values = [value for each, value in headers if each == name]
    if len(values) != 1 or not values[0]:
        return ()
    return (f"header:{hashlib.sha256(values[0]).hexdigest()}",)
