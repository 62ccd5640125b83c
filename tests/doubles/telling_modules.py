"""Runs the gateway in this process, and writes down which modules it has imported when it ends.

    python -m tests.doubles.telling_modules FILE PYTHON -m gateway ARGUMENTS...

The command behind FILE is the gateway's own, as `running_gateway` gives it.
"""

from __future__ import annotations

import atexit
import runpy
import sys
from pathlib import Path


def main() -> None:
    """Ends as the gateway does."""
    _, file, _, _, module, *arguments = sys.argv
    atexit.register(lambda: Path(file).write_text("\n".join(sys.modules)))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
