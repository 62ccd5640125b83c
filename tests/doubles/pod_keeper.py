"""Stands for a gateway that starts pods and is then killed.

    python -m tests.doubles.pod_keeper LOG_DIR COMMAND...

Starts the command twice, says "kept" and stays.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from gateway.processes.launcher import Launcher


def main() -> None:
    """Start two, wait for the end."""
    launcher = Launcher(sys.argv[2:], log_dir=Path(sys.argv[1]), inherited=os.environ, stop_grace=1.0)
    pods = [launcher.start(), launcher.start()]
    sys.stdout.write(f"kept {len(pods)}\n")
    sys.stdout.flush()
    time.sleep(600)


if __name__ == "__main__":
    main()
