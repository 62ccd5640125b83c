"""One child process under its guardian: its identity, its address, its end and its output. Decides nothing about it.

The end is learned from the kernel (a pidfd), not from SIGCHLD: that works alike on asyncio's and uvloop's event
loop, and takes no other child's status. The starter of a process waits for its end.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from gateway.processes.logs import evidence_in

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

#: Seconds between two polls for the end where the kernel has no pidfd (before Linux 5.3, and elsewhere).
_POLL_INTERVAL = 0.05


@dataclass(frozen=True, slots=True)
class Allocation:
    """What a process was given, and no other process may have until it has ended."""

    name: str  # "pod-1": small numbers are used again
    host: str
    port: int
    gpu: str | None
    log: Path

    @property
    def address(self) -> str:
        """ "host:port", an IPv6 host in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Process:
    """A running (or ended) command. `identity` is never used again, not even by a later gateway."""

    def __init__(self, identity: str, allocation: Allocation, guardian: subprocess.Popen[bytes], lifeline: int) -> None:
        self.identity = identity
        self.allocation = allocation
        self._guardian = guardian
        self._lifeline: int | None = lifeline

    @property
    def name(self) -> str:
        """The name that people see."""
        return self.allocation.name

    @property
    def address(self) -> str:
        """The address that it was told to listen on."""
        return self.allocation.address

    @property
    def pid(self) -> int:
        """The guardian's process id. It ends when all processes below it have ended."""
        return self._guardian.pid

    @property
    def exit_code(self) -> int | None:
        """As a shell gives it (128 + signal). None while a process below the guardian is left."""
        code = self._guardian.poll()
        if code is None:
            return None
        if self._lifeline is not None:
            os.close(self._lifeline)
            self._lifeline = None
        return code if code >= 0 else 128 - code

    async def wait(self) -> int:
        """The exit code, once no process below the guardian is left. Any number of tasks may wait."""
        while (code := self.exit_code) is None:
            await self._poll_end()
        return code

    def stop(self) -> None:
        """Ask for the end: SIGTERM to all processes below the guardian, SIGKILL after the grace. Returns at
        once; may be repeated."""
        if self.exit_code is None:
            self._guardian.terminate()

    def evidence(self) -> str:
        """The line of its output that says best why it ended; "" if there is none, or the file is gone."""
        try:
            return evidence_in(self.allocation.log)
        except OSError:
            return ""

    async def _poll_end(self) -> None:
        try:
            pidfd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):
            await anyio.sleep(_POLL_INTERVAL)
            return
        try:
            await anyio.wait_readable(pidfd)
        finally:
            os.close(pidfd)


def describe_exit(code: int) -> str:
    """An exit code in words: "exit code 1", "ended by SIGKILL"."""
    by_signal = {128 + number: number.name for number in signal.Signals}
    return f"ended by {by_signal[code]}" if code in by_signal else f"exit code {code}"
