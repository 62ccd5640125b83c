"""A port at which connections are made by the kernel, and nobody ever takes them; and then not even that: attempts to
connect get no answer at all, as from a machine that has died."""

from __future__ import annotations

import select
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds that the kernel would need at most for a connection on loopback.
_AT_ONCE = 0.2


class HangingPort:
    """`hang` once it was found ready."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self._fill: list[socket.socket] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def hang(self) -> None:
        """From here on nobody connects."""
        self._listener.listen(0)
        while self._connects():
            pass

    def close(self) -> None:
        """Everything."""
        for each in (*self._fill, self._listener):
            each.close()

    def _connects(self) -> bool:
        attempt = socket.socket()
        self._fill.append(attempt)
        attempt.setblocking(False)
        attempt.connect_ex(self._listener.getsockname())
        return bool(select.select([], [attempt], [], _AT_ONCE)[1])


@contextmanager
def hanging_port() -> Iterator[HangingPort]:
    """One that still connects."""
    port = HangingPort()
    try:
        yield port
    finally:
        port.close()
