"""Reads the keys that sign session cookies, from a file or the environment. No message shows a key or a
path."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.settings.checks import Finding
from gateway.settings.secret_source import SHORTEST, read_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.settings.file import Location
    from gateway.settings.model import SessionSettings


def read_keys(session: SessionSettings, environ: Mapping[str, str]) -> tuple[list[str], list[Finding]]:
    """The keys, newest first, and their faults. No key and no fault: none are configured."""
    at, text, findings = read_secret("session", "keys", session.keys_file, session.keys_env, environ)
    return ([], findings) if text is None else _parse(at, text)


def _parse(at: Location, text: str) -> tuple[list[str], list[Finding]]:
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    keys = [(number, line) for number, line in lines if line and not line.startswith("#")]
    findings = [
        Finding(at, f"keys of at least {SHORTEST} characters", f"one of {len(key)} on line {number}")
        for number, key in keys
        if len(key) < SHORTEST
    ]
    if not keys:
        findings.append(Finding(at, "at least one key, one a line", "none"))
    return [key for _, key in keys], findings
