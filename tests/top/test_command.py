"""`gateway top` before it shows anything."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.top import command

_WITHOUT = """
import sys
sys.modules["textual"] = None  # as if it were not installed
from gateway.cli import main
main()
"""


def test_it_says_what_is_missing() -> None:
    done = subprocess.run([sys.executable, "-c", _WITHOUT, "top"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == command.MISSING + "\n"


def test_it_wants_a_url() -> None:
    with pytest.raises(ValueError, match="expected a URL such as"):
        command.main("localhost:9090", None, 1.0)
