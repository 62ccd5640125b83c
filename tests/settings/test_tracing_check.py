"""Tracing is an extra: whoever asks for it without having it is told what to install."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gateway.settings.model import Settings
from gateway.settings.tracing_check import INSTALL, check_tracing

if TYPE_CHECKING:
    from pathlib import Path

POOL = "pools: {sd: {backends: {static: ['a:1']}}}\n"
ASKED = POOL + "tracing: {endpoint: 'http://127.0.0.1:4318'}\n"

_WITHOUT = """
import sys
sys.modules[sys.argv.pop(1)] = None  # as if it were not installed
from gateway.cli import main
main()
"""


def checked(file: Path, missing: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _WITHOUT, missing, "check", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_with_it_there_is_nothing_to_say() -> None:
    pools = {"sd": {"backends": {"static": ["a:1"]}}}
    settings = Settings.model_validate({"pools": pools, "tracing": {"endpoint": "http://127.0.0.1:4318"}})
    assert list(check_tracing(settings)) == []


@pytest.mark.parametrize("missing", ["opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter"])
def test_without_it_the_command_to_install_it_is_told(missing: str, tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(ASKED)
    done = checked(file, missing)
    assert done.returncode == 2
    assert "config.yaml:2:21 tracing.endpoint: " in done.stderr
    assert INSTALL in done.stderr


def test_who_does_not_ask_need_not_have_it(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(POOL)
    assert checked(file, "opentelemetry").returncode == 0
