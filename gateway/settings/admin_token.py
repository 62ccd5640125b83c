"""Reads the token that operators' orders come with, from a file or the environment. No message shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.settings.checks import Finding
from gateway.settings.secret_source import SHORTEST, read_secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.settings.model import OpsSettings


def read_token(ops: OpsSettings, environ: Mapping[str, str]) -> tuple[str | None, list[Finding]]:
    """The token and its faults. No token and no fault: none is configured."""
    at, text, findings = read_secret("ops", "token", ops.token_file, ops.token_env, environ)
    if text is None:
        return None, findings
    token = text.strip()
    if len(token) < SHORTEST:
        return None, [Finding(at, f"a token of at least {SHORTEST} characters", f"one of {len(token)}")]
    if not (token.isascii() and token.isprintable()) or " " in token:
        return None, [Finding(at, "one token of letters, digits and signs", "spaces, lines or other characters")]
    return token, []
