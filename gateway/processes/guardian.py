"""Starts one command, and ends all its processes when the gateway is gone.

    python -I -S guardian.py LIFELINE GRACE -- COMMAND...

LIFELINE is the read end of a pipe whose write end the gateway alone holds and never writes to: end of file says
that the gateway is gone, even by SIGKILL. GRACE is in seconds.

    RUNNING ── the lifeline ends, SIGTERM comes, or the command ends ──> ENDING ── no process is left ──> exit

On entering ENDING all processes below get SIGTERM, and after the grace SIGKILL. As a "child subreaper" the
guardian inherits every process below that loses its parent, in whatever session. So it has no children exactly
when no process is left, and its own end says that ports and GPUs are free. Its exit code is the command's: 128
+ the signal, or 127 if the command could not be run. Without a subreaper and /proc (not Linux), it reaches the
command's process group only.

Imports little, and of the standard library alone: one guardian runs beside every pod. Knows nothing of the gateway.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
import time

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_HANDLED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)

#: Seconds between two rounds of SIGKILL: somebody may fork between being listed and being killed.
_KILL_AGAIN = 0.05


class Guardian:
    """One command, and every process that it starts."""

    def __init__(self, lifeline: int, grace: float, command: list[str]) -> None:
        os.set_inheritable(lifeline, False)
        self._lifeline = lifeline
        self._grace = grace
        self._signals = _listen()
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        self._command = _spawn(command)
        self._exit_code: int | None = None  # of the command
        self._kill_at: float | None = None  # None: RUNNING

    def run(self) -> int:
        """Return the exit code once no process is left."""
        ending = False
        while self._reap():
            if ending or self._exit_code is not None:
                self._end_all(time.monotonic())
            ending = self._wait() or ending
        return self._exit_code or 0

    def _reap(self) -> bool:
        """Collect the children that have ended. False: no process is left."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self._command:
                    code = os.waitstatus_to_exitcode(status)
                    self._exit_code = code if code >= 0 else 128 - code
        return False

    def _end_all(self, now: float) -> None:
        if self._kill_at is None:
            self._kill_at = now + self._grace
            self._signal_all(signal.SIGTERM)
        elif now >= self._kill_at:
            self._kill_at = now + _KILL_AGAIN
            self._signal_all(signal.SIGKILL)

    def _wait(self) -> bool:
        """Sleep until something happens. True: the gateway is gone, or has asked for the end."""
        awaited, timeout = [self._signals], None
        if self._kill_at is None:
            awaited.append(self._lifeline)
        else:
            timeout = max(0.0, self._kill_at - time.monotonic())
        ready, _, _ = select.select(awaited, [], [], timeout)
        is_asked = self._signals in ready and signal.SIGTERM in os.read(self._signals, 4096)
        return is_asked or self._lifeline in ready

    def _signal_all(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            if not os.path.exists("/proc/self/stat"):
                os.killpg(self._command, number)
        for pid in _descendants(os.getpid()):
            with contextlib.suppress(ProcessLookupError, PermissionError):  # it has just ended; it changed its user
                os.kill(pid, number)


def _listen() -> int:
    """Turn signals into bytes to read. A terminal's interrupt is meant for the gateway, and ends nothing here."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in _HANDLED:
        signal.signal(number, lambda _number, _frame: None)
    return reading


def _spawn(command: list[str]) -> int:
    """Run the command in a session of its own. A guardian that is killed outright takes it along."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)  # or the child might swallow one before it is the command
    pid = os.fork()
    if pid == 0:
        try:
            _become(command)
        except OSError as error:
            os.write(2, f"cannot run {command[0]}: {error.strerror}\n".encode())
        finally:
            os._exit(127)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
    return pid


def _become(command: list[str]) -> None:
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    for number in (*_HANDLED, signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these two, and that would be inherited
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
    os.execvp(command[0], command)


def _descendants(root: int) -> list[int]:
    """All processes below `root`, parents first; none where there is no /proc."""
    children: dict[int, list[int]] = {}
    for pid in _all_processes():
        with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", "rb") as stat:
            parent = int(stat.read().rpartition(b")")[2].split()[1])  # the name before may hold anything
            children.setdefault(parent, []).append(pid)
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found[1:]


def _all_processes() -> list[int]:
    with contextlib.suppress(OSError):
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return []


def _prctl(option: int, value: int) -> None:
    with contextlib.suppress(AttributeError):  # Linux alone has it
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    sys.exit(Guardian(int(sys.argv[1]), float(sys.argv[2]), sys.argv[4:]).run())
