"""Homes of files: the backend that made or was sent a file, as it told a client.

For clients that keep no cookie. Names only: whose a file is, is the backend's to decide. Bounded; the least recently
named goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.proxy.session.latest import REMEMBERED, Latest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.proxy.request import Request

#: Characters of a name that is remembered.
_LONGEST = 512


def owned_names(request: Request, name: str, session: str | None) -> tuple[str, ...]:
    """The same name as of one client: by its session, if it has one, and by its address."""
    by_address = f"{request.record.client} {name}"
    return (by_address,) if session is None else (f"{session} {name}", by_address)


class FileHomes:
    """One pool's."""

    def __init__(self, capacity: int = REMEMBERED) -> None:
        self._at: Latest[str] = Latest(capacity)

    def put(self, name: str, backend: str) -> None:
        """`backend` (an identity) has the file. A file in two places is found in the later one."""
        if len(name) <= _LONGEST:
            self._at.put(name, backend)

    def put_for(self, request: Request, session: str | None, name: str, backend: str) -> None:
        """The same, for its client first: two backends may have files of one name for two clients."""
        for owned in (*owned_names(request, name, session), name):
            self.put(owned, backend)

    def find(self, names: Iterable[str]) -> str | None:
        """The backend of the first file that is known."""
        return next((at for name in names if (at := self._at.get(name)) is not None), None)

    def __len__(self) -> int:
        return len(self._at)
