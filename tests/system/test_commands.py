"""The commands as a shell sees them: what can be mended by the user is one clear line and exit code 2."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.system.running_gateway import ROOT, configuration, write_config

if TYPE_CHECKING:
    from pathlib import Path


def gateway(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=cwd,
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=20,
    )


def the_line(ended: subprocess.CompletedProcess[str]) -> str:
    """The one that says what is wrong, from a process that could not do what it was told."""
    assert ended.returncode == 2, ended.stderr
    assert ended.stdout == ""
    (line,) = [line for line in ended.stderr.splitlines() if not line.startswith("{")]  # events may come before it
    return line


@pytest.mark.parametrize("section", ["listen", "ops"])
def test_a_taken_port(section: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        pool = {"backends": {"static": ["http://127.0.0.1:1"]}}
        write_config(tmp_path, configuration(pool, **{section: {"host": "127.0.0.1", "port": port}}))
        ended = gateway("serve", "--config", "gateway.yaml", cwd=tmp_path)
        assert the_line(ended) == f"cannot listen on 127.0.0.1:{port}: Address already in use"


def test_a_file_that_is_not_there_or_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "directory.yaml").mkdir()
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    for name in ("absent.yaml", "directory.yaml", "binary.yaml"):
        for command in (("serve", "--config", name), ("check", name)):
            assert name in the_line(gateway(*command, cwd=tmp_path))


def test_a_file_that_is_wrong_is_told_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(
        "listen: {port: 99999}\n"
        "pools:\n"
        "  sd:\n"
        "    profile: a1112\n"
        "    backends: {static: [ftp://127.0.0.1]}\n"
        "    queue: {limit: many}\n"
    )
    for command in (("serve", "--config", "wrong.yaml"), ("check", "wrong.yaml")):
        ended = gateway(*command, cwd=tmp_path)
        assert ended.returncode == 2
        assert [line.split(":")[1] for line in ended.stderr.splitlines()] == ["1", "4", "5", "6"]
        assert "Traceback" not in ended.stderr


def test_check_is_content_with_what_is_right(tmp_path: Path) -> None:
    for file in sorted((ROOT / "config").glob("*.yaml")):
        ended = gateway("check", str(file), cwd=tmp_path)
        assert (ended.returncode, ended.stderr) == (0, ""), file
        assert "good" in ended.stdout


def test_schema_is_one_that_the_files_here_keep(tmp_path: Path) -> None:
    ended = gateway("schema", cwd=tmp_path)
    assert (ended.returncode, ended.stderr) == (0, "")
    schema = json.loads(ended.stdout)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert {"listen", "ops", "pools", "session"} <= schema["properties"].keys()


def test_arguments_that_make_no_sense(tmp_path: Path) -> None:
    for arguments in (("serve",), ("check",), ("load", "not a url"), ("nonsense",)):
        ended = gateway(*arguments, cwd=tmp_path)
        assert ended.returncode == 2
        assert "Traceback" not in ended.stderr
