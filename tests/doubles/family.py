"""A pod with relatives: a child, one that changed its session and ignores SIGTERM, and a daemon whose parent has gone.

    python family.py

Says "all here" when all four run. Its relatives can be found by what they inherit in their environment.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time


def ordinary() -> None:
    """Stay, and obey."""


def stubborn() -> None:
    """Leave the session and hear no SIGTERM."""
    os.setsid()
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def daemon() -> None:
    """Leave session and parent."""
    os.setsid()
    if os.fork():
        os._exit(0)


def main() -> None:
    """Have relatives, say so, wait."""
    reading, writing = os.pipe()
    for become in (ordinary, stubborn, daemon):
        child = os.fork()
        if child == 0:
            become()
            os.write(writing, b".")
            time.sleep(600)
    for _ in range(3):
        os.read(reading, 1)
    os.waitpid(child, 0)  # the daemon's parent
    sys.stdout.write("all here\n")
    sys.stdout.flush()
    with contextlib.suppress(KeyboardInterrupt):
        time.sleep(600)


if __name__ == "__main__":
    main()
