"""`python -m gateway`, and the command `gateway`.

A container's first process gets no signal that it has no handler for: a SIGTERM in the seconds before `serve` listens
would be lost, and with it the whole time to stop. So there is a handler before anything else is imported: until
`server/lifecycle.py` takes over, nothing is started, and the process ends at once.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def main() -> None:
    """The entry point."""
    if sys.argv[1:2] == ["serve"]:
        signal.signal(signal.SIGTERM, _end)
    from gateway.cli import main as run_command

    run_command()


def _end(_number: int, _frame: FrameType | None) -> None:
    """Not by an exception: what is being imported might catch it."""
    os._exit(0)


if __name__ == "__main__":
    main()
