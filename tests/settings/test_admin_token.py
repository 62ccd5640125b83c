"""The operators' token from a file or the environment. It is never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.settings.admin_token import read_token
from gateway.settings.model import OpsSettings

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "t" * 32


def test_none_is_configured() -> None:
    assert read_token(OpsSettings(), {}) == (None, [])


def test_it_is_read_from_a_file_or_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    assert read_token(OpsSettings(token_file=file), {}) == (TOKEN, [])
    assert read_token(OpsSettings(token_env="TOKEN"), {"TOKEN": TOKEN}) == (TOKEN, [])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("hush", "one of 4"),
        ("", "one of 0"),
        (f"{TOKEN} {TOKEN}", "spaces, lines or other characters"),
        (f"{TOKEN}\n{TOKEN}", "spaces, lines or other characters"),
        (f"{TOKEN}ü", "spaces, lines or other characters"),
    ],
)
def test_a_token_that_is_no_use(text: str, found: str) -> None:
    token, (finding,) = read_token(OpsSettings(token_env="TOKEN"), {"TOKEN": text})
    assert (token, finding.at, finding.found) == (None, ("ops", "token_env"), found)


def test_a_source_that_is_none(tmp_path: Path) -> None:
    for ops, at in (
        (OpsSettings(token_file=tmp_path / "missing"), ("ops", "token_file")),
        (OpsSettings(token_env="TOKEN"), ("ops", "token_env")),
        (OpsSettings(token_env="TOKEN", token_file=tmp_path), ("ops",)),
    ):
        token, (finding,) = read_token(ops, {})
        assert (token, finding.at) == (None, at)
