"""Keys from a file or the environment. No key is ever shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.settings.model import SessionSettings
from gateway.settings.signing_keys import read_keys

if TYPE_CHECKING:
    from pathlib import Path

NEW, OLD = "n" * 32, "o" * 40


def test_none_are_configured() -> None:
    assert read_keys(SessionSettings(), {}) == ([], [])


def test_keys_are_read_in_their_order_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    file.write_text(f"# newest first\n\n{NEW}\n  {OLD}  \n")
    assert read_keys(SessionSettings(keys_file=file), {}) == ([NEW, OLD], [])
    assert read_keys(SessionSettings(keys_env="KEYS"), {"KEYS": f"{NEW}\n{OLD}"}) == ([NEW, OLD], [])


@pytest.mark.parametrize(
    ("text", "found", "expected"),
    [
        (f"{NEW}\n# old\nhush", "one of 4 on line 3", "keys of at least 32 characters"),
        ("\n# none yet\n", "none", "at least one key, one a line"),
    ],
)
def test_keys_that_are_no_use(text: str, found: str, expected: str) -> None:
    _, (finding,) = read_keys(SessionSettings(keys_env="KEYS"), {"KEYS": text})
    assert (finding.at, finding.found, finding.expected) == (("session", "keys_env"), found, expected)


def test_keys_that_cannot_be_read(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff" * 40)
    sessions = {
        "no way to read it (No such file or directory)": SessionSettings(keys_file=tmp_path / "missing"),
        "other bytes": SessionSettings(keys_file=binary),
        "a name that is not in the environment": SessionSettings(keys_env="KEYS"),
        "both": SessionSettings(keys_env="KEYS", keys_file=binary),
    }
    for found, session in sessions.items():
        keys, (finding,) = read_keys(session, {})
        assert (keys, finding.found) == ([], found)
