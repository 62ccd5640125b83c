"""The example of how to write a profile is one."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import gateway.profiles
from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles.registry import profile
from gateway.profiles.rules import rule
from gateway.profiles.treatment import Asked

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(gateway.profiles.__path__[0]) / "DESIGN.md"


@pytest.fixture
def module(tmp_path: Path) -> Iterator[str]:
    """The example as a module on Python's path."""
    [example] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (tmp_path / "profile_of_ones_own.py").write_text(example)
    sys.path.insert(0, str(tmp_path))
    try:
        yield "profile_of_ones_own"
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("profile_of_ones_own", None)


def test_the_example_is_a_profile(module: str) -> None:
    whisper = profile(f"{module}:whisper", [rule("GET /health", Lane.EXEMPT)])
    assert whisper.treat("POST", b"/admin/x").lane is Lane.DENIED
    assert whisper.treat("GET", b"/health").lane is Lane.EXEMPT
    more = whisper.treat("POST", b"/transcribe").more
    assert more is not None
    assert more.ask is not None
    assert more.ask(Asked("POST", b"/transcribe")).lane is Lane.EXEMPT
    assert more.ask(Asked("POST", b"/transcribe", body=b"RIFF")).when_busy is WhenBusy.SPILL
    assert whisper.idle is not None
    assert whisper.idle.says_idle(200, b'{"working": false}')
