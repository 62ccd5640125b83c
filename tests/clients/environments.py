"""Environments of real servers and clients, apart from ours and from one another: `.clients/NAME` holds what
`pins/NAME.txt` names, installed by pip, once for each content of that file.

    python -m tests.clients.environments [NAME ...]
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_PINS = Path(__file__).parent / "pins"
_HERE = Path(__file__).parents[2] / ".clients"

#: The pins were made for this one; a newer Python lacks wheels of some of them.
_PYTHON = shutil.which("python3.11") or sys.executable

#: The pins are complete, so nothing is resolved. Compiled is only what is imported: most never is.
_INSTALL = ("--quiet", "--no-deps", "--no-compile", "--only-binary=:all:", "--disable-pip-version-check", "--no-input")


def names() -> list[str]:
    """All there are."""
    return sorted(file.stem for file in _PINS.glob("*.txt"))


def python_of(name: str) -> str:
    """Its Python. Raises AssertionError if nobody has made it yet: that takes longer than a test may."""
    assert _stamp(name).exists(), f"python -m tests.clients.environments {name}"
    return str(_HERE / name / "bin/python")


def make(name: str) -> None:
    """Make it if it is not there yet. Raises CalledProcessError if it cannot be made."""
    stamp, place = _stamp(name), _HERE / name
    if stamp.exists():
        return
    print(f"Installing {name} into .clients, once …", flush=True)
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([_PYTHON, "-m", "venv", "--without-pip", place], check=True)
    pip = (sys.executable, "-m", "pip", "--python", place / "bin/python", "install")
    subprocess.run([*pip, *_INSTALL, "--requirement", _pins(name)], check=True)
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([place / "bin/python", "-c", f"import {name.partition('-')[0]}"], check=True, env=environ)
    stamp.touch()


def _pins(name: str) -> Path:
    return _PINS / f"{name}.txt"


def _stamp(name: str) -> Path:
    return _HERE / name / f"made-of.{hashlib.sha256(_pins(name).read_bytes()).hexdigest()[:16]}"


if __name__ == "__main__":
    with ThreadPoolExecutor(2) as two:  # one unpacks while the other downloads
        list(two.map(make, sys.argv[1:] or names()))
