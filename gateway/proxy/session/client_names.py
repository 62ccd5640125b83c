"""Who clients without cookies are: the session and the home of each key that their requests carry, such as the name a
page gives itself. A cookie goes first. Bounded; the least recently seen goes.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.proxy.headers.forwarded import Header

#: Keys, of at most 136 bytes each as profiles give them. A page has one or two, an event one.
REMEMBERED = 16_384


@dataclass(slots=True)
class Known:
    """What is remembered of a key."""

    session: str
    home: str | None  # identity of a backend, which may be gone; None: it is in line still


class ClientNames:
    """One pool's."""

    def __init__(self, capacity: int = REMEMBERED) -> None:
        self._capacity = capacity
        self._known: OrderedDict[str, Known] = OrderedDict()

    def find(self, keys: Iterable[str]) -> Known | None:
        """What is known of the first of them that is known."""
        for key in keys:
            if (known := self._known.get(key)) is not None:
                self._known.move_to_end(key)
                return known
        return None

    def remember(self, keys: Iterable[str], session: str, home: str | None) -> None:
        """All of these lead to one session and home. A key that is another session's stays it: it may have been
        guessed."""
        for key in keys:
            known = self._known.setdefault(key, Known(session, home))
            if known.session == session:
                known.home = home
            self._known.move_to_end(key)
        while len(self._known) > self._capacity:
            self._known.popitem(last=False)

    def forget(self, keys: Iterable[str]) -> None:
        """They may lead to another session."""
        for key in keys:
            self._known.pop(key, None)

    def __len__(self) -> int:
        return len(self._known)


def key_in(headers: Iterable[Header], name: bytes) -> tuple[str, ...]:
    """The key that the header `name` is, by its hash: the value may be a secret, and is neither kept nor shown. Empty
    if it is not there, is empty, or is there more than once."""
    values = [value for each, value in headers if each == name]
    if len(values) != 1 or not values[0]:
        return ()
    return (f"header:{hashlib.sha256(values[0]).hexdigest()}",)
