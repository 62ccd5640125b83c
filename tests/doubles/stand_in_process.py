"""A stand-in as a child process that listens on a port of its own choice."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from typing import IO, TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator


class StandInProcess:
    """A running stand-in. Its lines are read one by one, so that a test waits for what it says, not for time."""

    def __init__(self, process: subprocess.Popen[str], lines: IO[str]) -> None:
        self.process = process
        self._lines = lines
        self.url = self.until(r"  (http://\S+)$")[1]
        host, port = self.url.removeprefix("http://").split(":")
        self.address = (host, int(port))

    def until(self, pattern: str) -> re.Match[str]:
        """Read its lines to the first that matches. Raises AssertionError, with all it said, when it ends before."""
        said = []
        for line in self._lines:
            said.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"it never said {pattern!r}, but:\n{''.join(said)}")

    def stats(self) -> dict[str, float]:
        """What it has counted."""
        answer = httpx.get(f"{self.url}/stand-in/stats", trust_env=False)
        stats: dict[str, float] = answer.raise_for_status().json()
        return stats


@contextlib.contextmanager
def stand_in_process(*arguments: str, kind: str = "a1111") -> Iterator[StandInProcess]:
    """Start one, and see that it is gone afterwards."""
    command = [sys.executable, "-m", f"gateway.demo.{kind}", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            yield StandInProcess(process, process.stdout)
        finally:
            process.kill()
