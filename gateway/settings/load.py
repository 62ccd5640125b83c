"""Reads the configuration: the file (`file.py`), the environment that it refers to, and the secrets
that it names (`secret_source.py`). Types and defaults are in `model.py`.

Nothing else reads files for the settings, with one exception: a waiting page of the operator's own is
read while the settings are validated (`waiting_page.py`), so that a fault in it is reported with the
others.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.settings.admin_token import read_token
from gateway.settings.checks import check
from gateway.settings.client_keys import read_client_keys
from gateway.settings.cluster_checks import check_cluster
from gateway.settings.doubts import doubts
from gateway.settings.expansion import allow_references
from gateway.settings.file import Document, read
from gateway.settings.model import Settings
from gateway.settings.problems import validate
from gateway.settings.signing_keys import read_keys
from gateway.settings.tracing_check import check_tracing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.settings.checks import Finding
    from gateway.settings.file import Location, Problem


def _is_secret(at: Location) -> bool:
    """No message repeats what stands here: sources of keys and tokens, the environment of processes,
    headers of probes."""
    return (
        at[:1] == ("session",)
        or at[:2] in (("ops", "token_file"), ("ops", "token_env"), ("clients", "keys_file"))
        or at[2:5] == ("backends", "processes", "env")
        or at[2:4] == ("probe", "headers")
    )


@dataclass(frozen=True, slots=True)
class Examined:
    """The settings of a file, and its doubtful ones."""

    settings: Settings
    warnings: tuple[Problem, ...]


class SettingsError(Exception):
    """The configuration cannot be used. `problems`: all its faults, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems


def load(path: str | Path, environ: Mapping[str, str]) -> Settings:
    """As `examine`, without the warnings."""
    return examine(path, environ).settings


def examine(path: str | Path, environ: Mapping[str, str]) -> Examined:
    """Read, expand and check the file and the keys that it names. Raises SettingsError with every
    problem there is."""
    document = read(Path(path), environ, _is_secret)
    if document.values is None:
        raise SettingsError(document.problems)
    settings, wrong = validate(Settings, document)
    problems = [*document.problems, *wrong.values()]
    if settings is not None:
        in_doubt = [*document.unread, *wrong]
        secrets = (
            *read_keys(settings.session, environ)[1],
            *read_token(settings.ops, environ)[1],
            *read_client_keys(settings.clients, environ)[1],
        )
        findings = (*check(settings), *check_cluster(settings), *check_tracing(settings), *secrets)
        problems += [_problem(document, finding) for finding in findings if not finding.is_within(in_doubt)]
    if settings is None or problems:
        raise SettingsError(_in_order(problems))
    return Examined(settings, tuple(_in_order(_problem(document, finding) for finding in doubts(settings))))


def _in_order(problems: Iterable[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda problem: (problem.line, problem.column))


def _problem(document: Document, finding: Finding) -> Problem:
    is_default = finding.at not in document.places
    return document.problem(finding.at, finding.expected, finding.found or ("the default" if is_default else None))


def signing_keys(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """The keys that sign cookies, newest first, read anew. Empty: none are configured. Raises SettingsError."""
    keys, findings = read_keys(settings.session, environ)
    if findings:
        raise SettingsError([_problem(Document("configuration"), finding) for finding in findings])
    return keys


def client_keys(settings: Settings, environ: Mapping[str, str]) -> dict[bytes, str]:
    """The names of clients by the SHA-256 of their keys, read anew. Empty: none are configured.

    Raises SettingsError."""
    keys, findings = read_client_keys(settings.clients, environ)
    if findings:
        raise SettingsError([_problem(Document("configuration"), finding) for finding in findings])
    return keys


def admin_token(settings: Settings, environ: Mapping[str, str]) -> str | None:
    """The token that orders come with, read anew; None where none is configured. Raises SettingsError."""
    token, findings = read_token(settings.ops, environ)
    if findings:
        raise SettingsError([_problem(Document("configuration"), finding) for finding in findings])
    return token


def json_schema() -> dict[str, Any]:
    """JSON Schema of the file, for editors."""
    schema = allow_references(Settings.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
