"""The command as a whole: exit codes, the summary on stdout, Ctrl-C."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

from gateway.load.command import main
from gateway.load.plan import LoadPlan
from tests.doubles.stand_in_process import stand_in_process

if TYPE_CHECKING:
    import pytest

_CHILD = """
import sys
from gateway.load.command import main
from gateway.load.plan import LoadPlan
sys.exit(main(LoadPlan(sys.argv[1], requests=5, concurrency=1, method="POST", body=b"{}", timeout=0)))
"""


def test_all_answered(capsys: pytest.CaptureFixture[str]) -> None:
    with stand_in_process("--boot", "0", "--work", "0") as pod:
        pod.until("Startup time")
        url = f"{pod.url}/sdapi/v1/txt2img"
        assert main(LoadPlan(url, requests=4, concurrency=1, method="POST", body=b"{}")) == 0
        printed = capsys.readouterr()
        assert "[200]\t4 responses" in printed.out
        assert "done 4/4" in printed.err
        assert main(LoadPlan(f"{pod.url}/nothing", requests=1, concurrency=1)) == 1
        assert "[404]\t1 responses" in capsys.readouterr().out


def test_ctrl_c_prints_what_was_done_so_far() -> None:
    with stand_in_process("--boot", "0", "--work", "3600") as pod:
        pod.until("Startup time")
        command = [sys.executable, "-c", _CHILD, f"{pod.url}/sdapi/v1/txt2img"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            while not pod.stats()["running"]:
                pass
            child.send_signal(signal.SIGINT)
            out, err = child.communicate(timeout=30)
        assert out.startswith("Interrupted: 0 of 5 ended, 1 given up, 4 not sent\n\nSummary:\n"), err
        assert child.returncode == 130
