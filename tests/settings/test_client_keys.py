"""The file of clients' keys."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from gateway.settings.client_keys import is_name, new_key, read_client_keys
from gateway.settings.model import ClientsSettings

if TYPE_CHECKING:
    from pathlib import Path

ONE, TWO = "1" * 64, "2" * 64


def read(folder: Path, text: str, **clients: object) -> tuple[dict[bytes, str], list[str]]:
    """The names, and what was found wrong."""
    file = folder / "keys"
    file.write_text(text)
    names, findings = read_client_keys(ClientsSettings.model_validate({"keys_file": file, **clients}), {})
    return names, [f"{'.'.join(map(str, each.at))}: {each.found}" for each in findings]


def test_none_are_configured() -> None:
    assert read_client_keys(ClientsSettings(), {}) == ({}, [])


def test_names_by_digest_and_a_client_may_have_several_keys(tmp_path: Path) -> None:
    names, wrong = read(tmp_path, f"# people\n\nalice:{ONE}\n  alice:{TWO.upper()}\nbob.b-1:{'aB' * 32}\n")
    assert (list(names.values()), wrong) == (["alice", "alice", "bob.b-1"], [])
    assert names[bytes.fromhex("ab" * 32)] == "bob.b-1"


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "clients.keys_file: none"),
        ("alice", "clients.keys_file: another text on line 1"),
        (f"alice:{ONE}\nbob:plain-key\n", "clients.keys_file: another text on line 2"),
        (f"al ice:{ONE}", "clients.keys_file: another text on line 1"),
        (f"alice:{ONE}\nbob:{ONE}", "clients.keys_file: one of alice, too, on line 2"),
    ],
)
def test_what_is_wrong_is_said_without_a_digest_or_a_path(tmp_path: Path, text: str, wrong: str) -> None:
    assert read(tmp_path, text)[1] == [wrong]


def test_bounds_are_of_clients_that_there_are(tmp_path: Path) -> None:
    wrong = read(tmp_path, f"alice:{ONE}", max_waiting_of={"alise": 2}, max_in_flight_of={"alice": 1})[1]
    assert wrong == ["clients.max_waiting_of.alise: alise, which has none"]


def test_a_file_that_is_not_there() -> None:
    (finding,) = read_client_keys(ClientsSettings.model_validate({"keys_file": "/nowhere/keys"}), {})[1]
    assert (finding.at, "nowhere" in str(finding)) == (("clients", "keys_file"), False)


def test_a_new_key_is_let_in_by_its_line(tmp_path: Path) -> None:
    key, line = new_key("alice")
    assert read(tmp_path, line) == ({hashlib.sha256(key.encode()).digest(): "alice"}, [])
    assert len(key) >= 43
    assert new_key("alice")[0] != key


def test_names() -> None:
    assert [name for name in ("alice", "a.b-1", "", "a b", "-a", "a:b", "x" * 65) if is_name(name)] == [
        "alice",
        "a.b-1",
    ]
