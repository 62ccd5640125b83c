"""A file for each process, and not more old ones than wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.processes.logs import LogFiles, evidence_in, last_lines

if TYPE_CHECKING:
    from pathlib import Path


def test_old_files_go_but_not_those_in_use(tmp_path: Path) -> None:
    logs = LogFiles(tmp_path / "sd", keep=2)
    first = logs.create("pod-1", [])
    for _ in range(4):
        logs.create("pod-2", [first])
    names = sorted(path.name for path in (tmp_path / "sd").iterdir())
    assert names == ["pod-1.1.log", "pod-2.3.log", "pod-2.4.log", "pod-2.5.log"]


def test_numbers_go_on_where_an_earlier_gateway_stopped(tmp_path: Path) -> None:
    LogFiles(tmp_path, keep=9).create("pod-1", []).write_text("what it was")
    assert LogFiles(tmp_path, keep=9).create("pod-1", []).name == "pod-1.2.log"
    assert (tmp_path / "pod-1.1.log").read_text() == "what it was"


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    logs = LogFiles(tmp_path, keep=1)
    for _ in range(3):
        logs.create("pod-1", [])
    assert (tmp_path / "notes.txt").exists()


def test_last_lines_are_evidence_fit_to_print(tmp_path: Path) -> None:
    log = tmp_path / "pod-1.1.log"
    log.write_bytes(b"x" * 100_000 + b"\nloading\n\x1b[31mCUDA out of memory\xff\x00\r\n\n   \n" + b"y" * 500 + b"\n")
    assert last_lines(log) == ["x" * 300, "loading", "[31mCUDA out of memory\ufffd", "y" * 300]


@pytest.mark.parametrize(
    ("output", "evidence"),
    [
        ("RuntimeError: Cannot add middleware\nModel loaded in 5.6s\n", "RuntimeError: Cannot add middleware"),
        ("ValueError: a\ntorch.OutOfMemoryError: b\ndone\n", "torch.OutOfMemoryError: b"),
        ("starting\nno such checkpoint\n", "no such checkpoint"),
        ("", ""),
    ],
)
def test_evidence_is_the_last_line_that_names_a_failure(tmp_path: Path, output: str, evidence: str) -> None:
    log = tmp_path / "pod-1.1.log"
    log.write_text(output)
    assert evidence_in(log) == evidence
