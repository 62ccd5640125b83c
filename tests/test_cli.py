"""The commands, as a shell sees them: what they print, where, and their exit codes."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from gateway.settings.load import json_schema

if TYPE_CHECKING:
    from typer.testing import Result

CONFIG = Path(__file__).parent.parent / "config"
POOLS = {"sd": {"backends": {"static": ["127.0.0.1:1"]}}}


def gateway(*arguments: str | Path) -> Result:
    """The command inside this process. Enough where nothing is started."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


@pytest.mark.parametrize("path", sorted(CONFIG.glob("*.yaml")), ids=lambda path: path.name)
def test_check_is_content_with_what_comes_with_it(path: Path) -> None:
    result = gateway("check", path)

    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{path}: good. Pools: ")


def test_check_tells_all_that_is_wrong(file: Path) -> None:
    file.write_text("listen: {prot: 1}\npools: {sd: {profile: a111, backends: {static: [a]}}}\n")
    result = gateway("check", file)

    assert (result.exit_code, result.stdout) == (2, "")
    assert [line.partition(": ")[0] for line in result.stderr.splitlines()] == [
        f"{file}:1:10 listen.prot",
        f"{file}:2:23 pools.sd.profile",
    ]


def test_check_warns_of_what_may_not_be_meant_and_is_content(file: Path) -> None:
    knative = {"namespace": "default", "service": "sd", "exempt_via": "queue"}
    file.write_text(json.dumps({"pools": {"sd": {"profile": "a1111", "backends": {"knative": knative}}}}))
    result = gateway("check", file)

    assert (result.exit_code, result.stdout) == (0, f"{file}: good. Pools: sd (a1111)\n")
    assert result.stderr.startswith(
        f'warning: {file}:1:119 pools.sd.backends.knative.exempt_via: found "queue", expected user-port, '
    )
    assert result.stderr.count("\n") == 1


def test_key_is_shown_once_with_the_line_that_lets_it_in() -> None:
    result = gateway("key", "alice")
    key, line = (said.rpartition(" ")[2] for said in result.stdout.splitlines())
    assert (result.exit_code, line) == (0, f"alice:{hashlib.sha256(key.encode()).hexdigest()}")
    refused = gateway("key", "a b")
    assert (refused.exit_code, refused.stderr) == (
        2,
        "'a b' is no name: letters, digits and . _ - (at most 64), the first a letter or a digit\n",
    )


def test_schema_is_that_of_the_file() -> None:
    result = gateway("schema")

    assert result.exit_code == 0
    assert json.loads(result.stdout) == json_schema()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "the URL must look like http://host:port/path, not 'nowhere'"),
        (["http://x/", "-n", "1", "-c", "2"], "1 requests are fewer than 2 workers"),
        (["http://x/", "-H", "nonsense"], "not a header (expected 'Name: value'): 'nonsense'"),
        (["http://x/", "-D", "/no/such/file"], "cannot read /no/such/file: No such file or directory"),
        (["http://x/", "--ops", "9090"], "the operators' URL must look like http://host:port/path, not '9090'"),
    ],
)
def test_load_says_in_one_line_what_it_cannot_do(arguments: list[str], said: str) -> None:
    result = gateway("load", *arguments)

    assert (result.exit_code, result.stdout, result.stderr) == (2, "", said + "\n")


def test_unknown_options_are_told_with_a_usage() -> None:
    result = gateway("load", "http://x/", "--concurency", "5")

    assert result.exit_code == 2
    assert "No such option" in result.stderr


def test_without_a_command_it_helps() -> None:
    result = gateway()

    assert all(command in result.output for command in ("serve", "check", "schema", "load"))


# What is served runs in a process of its own


def serve(file: Path) -> tuple[int, list[str]]:
    """The exit code, and the lines that were said."""
    command = [sys.executable, "-m", "gateway", "serve", "--config", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, stdin=subprocess.DEVNULL)
    assert ended.stdout == ""
    return ended.returncode, ended.stderr.splitlines()


def write(file: Path, **sections: Any) -> Path:
    file.write_text(json.dumps({**sections, "pools": POOLS}))
    return file


@pytest.mark.parametrize("taken", ["listen", "ops"])
def test_serve_on_a_taken_port(file: Path, taken: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        ports = {name: {"host": "127.0.0.1", "port": 0} for name in ("listen", "ops")}
        ports[taken]["port"] = port
        code, said = serve(write(file, **ports))

    assert (code, len(said)) == (2, 1)
    assert said[0].startswith(f"cannot listen on 127.0.0.1:{port}: Address already in use")


def test_serve_with_a_file_that_is_not_there(file: Path) -> None:
    said = f"{file}: found no way to read it (No such file or directory), expected a file that can be read"
    assert serve(file) == (2, [said])


def test_serve_with_an_invalid_file(file: Path) -> None:
    result = gateway("serve", "--config", write(file, listen={"port": "http"}))

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (f'{file}:1:21 listen.port: found "http", expected a whole number, from 0 to 65535\n')


def test_serve_without_a_way_to_the_cluster(file: Path) -> None:
    backends = {"knative": {"namespace": "default", "service": "sd"}}
    file.write_text(json.dumps({"pools": {"sd": {"backends": backends}}}))
    assert serve(file) == (2, ["not in a pod: KUBERNETES_SERVICE_HOST is not set"])


def test_serve_without_a_file() -> None:
    result = gateway("serve")

    assert result.exit_code == 2
    assert "Missing option '--config'" in result.stderr
