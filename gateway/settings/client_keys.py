"""Reads the keys of clients: a file with one `name:sha256` a line. No message shows a digest or a path."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import TYPE_CHECKING

from gateway.settings.checks import Finding
from gateway.settings.secret_source import read_secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.settings.model import ClientsSettings

_LINE = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,63}):(?P<digest>[0-9a-fA-F]{64})")


def read_client_keys(clients: ClientsSettings, environ: Mapping[str, str]) -> tuple[dict[bytes, str], list[Finding]]:
    """The names by the digests of their keys, and the faults. A client may have several keys. No key and no fault: none
    are configured."""
    at, text, findings = read_secret("clients", "keys", clients.keys_file, None, environ)
    names: dict[bytes, str] = {}
    for number, line in enumerate((text or "").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key = _LINE.fullmatch(line.strip())
        if key is None:
            expected = "NAME:SHA256 on each line, as `gateway key NAME` prints it"
            findings.append(Finding(at, expected, f"another text on line {number}"))
        elif names.setdefault(digest := bytes.fromhex(key["digest"]), key["name"]) != key["name"]:
            findings.append(Finding(at, "a key of one client alone", f"one of {names[digest]}, too, on line {number}"))
    if text is not None and not names and not findings:
        findings.append(Finding(at, "at least one key, one a line", "none"))
    if names and not findings:
        findings += _strangers("max_waiting_of", clients.max_waiting_of, names)
        findings += _strangers("max_in_flight_of", clients.max_in_flight_of, names)
    return names, findings


def _strangers(key: str, bounds: Iterable[str], names: Mapping[bytes, str]) -> list[Finding]:
    """Bounds of clients that have no key."""
    known = set(names.values())
    return [
        Finding(("clients", key, name), "the name of a key in clients.keys_file", f"{name}, which has none")
        for name in bounds
        if name not in known
    ]


def new_key(name: str) -> tuple[str, str]:
    """A key of 32 random bytes, and the line of the file that lets it in."""
    made = secrets.token_urlsafe(32)
    return made, f"{name}:{hashlib.sha256(made.encode()).hexdigest()}"


def is_name(text: str) -> bool:
    """Whether a client may be called so."""
    return _LINE.fullmatch(f"{text}:{'0' * 64}") is not None
