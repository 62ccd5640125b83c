"""A gateway that is told to stop before it has begun: a container's first process loses a signal without a handler."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.system.running_gateway import ROOT, configuration, write_config

if TYPE_CHECKING:
    from pathlib import Path

#: A module in front of the one that is installed: it is imported at a known moment.
STOPS_HERE = "import os, signal, time\nos.kill(os.getpid(), signal.SIGTERM)\ntime.sleep(20)\n"


def start(tmp_path: Path, *under: str, **files: str) -> subprocess.Popen[str]:
    write_config(tmp_path, configuration({"backends": {"static": ["http://127.0.0.1:1"]}}))
    early = tmp_path / "early"
    early.mkdir()
    for name, text in files.items():
        (early / f"{name}.py").write_text(text)
    command = [*under, sys.executable, "-m", "gateway", "serve", "--config", "gateway.yaml"]
    environ = {**os.environ, "PYTHONPATH": f"{early}:{ROOT}"}
    return subprocess.Popen(command, cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("module", ["typer", "yaml"])
def test_a_signal_during_the_imports_ends_it(module: str, tmp_path: Path) -> None:
    with start(tmp_path, **{module: STOPS_HERE}) as process:
        assert process.wait(15) == 0


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("unshare") is None, reason="it takes root to be process 1")
def test_a_signal_to_process_1_is_not_lost(tmp_path: Path) -> None:
    with start(tmp_path, "unshare", "--pid", "--fork", "--kill-child", typer=STOPS_HERE) as process:
        try:
            assert process.wait(15) == 0
        finally:
            process.kill()


def test_a_signal_when_the_loop_turns_and_nobody_listens_yet_is_heard_when_somebody_does(tmp_path: Path) -> None:
    with start(tmp_path) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline()]
        while "session_key_random" not in lines[-1]:  # written while the parts are made
            lines.append(process.stderr.readline())
        process.send_signal(signal.SIGTERM)
        lines += process.stderr
        assert process.wait(15) == 0
        assert '"in_good_order": true' in lines[-1]
