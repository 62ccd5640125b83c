"""Runs a Python program on a machine whose wall clock is set while it runs: a day ahead by SIGUSR1, two days back by
SIGUSR2. The monotonic clock goes on as it does on a real one.

    python -m tests.doubles.jumping_clock PYTHON -m MODULE ARGUMENTS...
"""

from __future__ import annotations

import runpy
import signal
import sys
import time

_DAY = 86_400.0


class JumpingClock:
    """Stands for `time.time`."""

    def __init__(self) -> None:
        self._true = time.time
        self._ahead = 0.0

    def __call__(self) -> float:
        return self._true() + self._ahead

    def jump(self, number: int, _frame: object) -> None:
        """A signal's handler."""
        self._ahead += _DAY if number == signal.SIGUSR1 else -2 * _DAY


def main() -> None:
    """In this very process, so that whoever started it signals the program."""
    clock = JumpingClock()
    time.time = clock
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, clock.jump)
    _python, _dash_m, module, *arguments = sys.argv[1:]
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
