"""Fuzzes our parsers, guided by coverage: `make fuzz`.

    python -m tests.fuzz [--seconds 60] [NAME...]

Each target runs in a process of its own, because libFuzzer ends the one it runs in. What it found interesting stays in
`build/fuzz/NAME` and is where the next run begins; an input that breaks a property is kept in `build/fuzz/found`. The
exit code is 1 if there is one.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

KEPT = Path("build/fuzz")


def main() -> int:
    """Run all that are named, one after the other; none named: all there are."""
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz our parsers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target (60)")
    options = parser.parse_args()
    if unknown := {*options.names} - TARGETS.keys():
        parser.error(f"no such target: {', '.join(sorted(unknown))}")
    broken = [name for name in options.names or TARGETS if not _holds(name, options.seconds)]
    print(f"broken: {', '.join(broken)}" if broken else "every property held")
    return 1 if broken else 0


def _holds(name: str, seconds: int) -> bool:
    print(f"--- {name}: {seconds} s", flush=True)
    return subprocess.run([sys.executable, "-m", "tests.fuzz.one", name, str(seconds)], check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
