"""The keys that sign the cookies of sessions, from a file or the environment. No message shows a key or a path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.setting_checks import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.settings import SessionSettings

#: 128 bits, if the key is written in hexadecimal.
_SHORTEST = 32


def read_keys(session: SessionSettings, environ: Mapping[str, str]) -> tuple[list[str], list[Finding]]:
    """The keys, newest first, and what is wrong with them. Neither: none are configured."""
    if session.keys_file is not None and session.keys_env is not None:
        return [], [Finding(("session",), "one of keys_file and keys_env", "both")]
    if session.keys_file is not None:
        at = ("session", "keys_file")
        try:
            return _parse(at, session.keys_file.read_text(encoding="utf-8"))
        except OSError as error:
            return [], [Finding(at, "a file that can be read", f"no way to read it ({error.strerror})")]
        except UnicodeDecodeError:
            return [], [Finding(at, "keys in UTF-8, one a line", "other bytes")]
    if session.keys_env is not None:
        at = ("session", "keys_env")
        if session.keys_env not in environ:
            return [], [Finding(at, "an environment variable that is set", "a name that is not in the environment")]
        return _parse(at, environ[session.keys_env])
    return [], []


def _parse(at: tuple[str, ...], text: str) -> tuple[list[str], list[Finding]]:
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    keys = [(number, line) for number, line in lines if line and not line.startswith("#")]
    findings = [
        Finding(at, f"keys of at least {_SHORTEST} characters", f"one of {len(key)} on line {number}")
        for number, key in keys
        if len(key) < _SHORTEST
    ]
    if not keys:
        findings.append(Finding(at, "at least one key, one a line", "none"))
    return [key for _, key in keys], findings
