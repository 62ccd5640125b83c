"""Writes lines to a file descriptor without blocking the event loop. A thread writes what has gathered, so a
slow reader (a pipe, a terminal, a disk) blocks that thread alone. Lines that cannot be written are dropped and
counted: no request fails for its line.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds in which lines gather: one write for many lines, and few changes of thread under load.
_GATHER = 0.1

#: Lines that may wait for a slow reader: some seconds at full rate, under ten megabytes.
_LIMIT = 20_000

#: Seconds that the end of the context waits for the last lines to be written.
_LAST_LINES = 1.0


class LineWriter:
    """Use as a context manager: the thread lives inside it. The descriptor stays the caller's."""

    def __init__(
        self, descriptor: int, dropped: Callable[[int], None], *, gather: float = _GATHER, limit: int = _LIMIT
    ) -> None:
        """`dropped` is called, from either thread, with the number of lines that were lost. `gather`: seconds in which
        lines gather before they are written."""
        self._descriptor = descriptor
        self._dropped = dropped
        self._gather = gather
        self._limit = limit
        self._lines: deque[str] = deque()
        self._something = threading.Event()
        self._leaving = threading.Event()
        # A daemon: a reader that never reads must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name="line-writer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._leaving.set()
        self._something.set()
        self._thread.join(_LAST_LINES)

    def write(self, line: str) -> None:
        """Take one line, without its end. Never blocks, never raises."""
        if len(self._lines) >= self._limit or self._leaving.is_set():
            self._dropped(1)
            return
        self._lines.append(line)
        if not self._something.is_set():
            self._something.set()

    def _run(self) -> None:
        while not self._leaving.is_set():
            self._something.wait()
            self._leaving.wait(self._gather)
            self._something.clear()  # before looking: a line that comes now sets it again
            self._write_out()
        self._write_out()

    def _write_out(self) -> None:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        rest = "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:  # disk full, reader gone, closed: the next lines may fare better
            self._dropped(rest.count(b"\n"))
