"""Reads Gradio's configuration, which each page and `GET /config` carry: what version it is, which functions there
are, and which of them run without its queue."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from gateway.profiles.treatment import Functions, PageFunctions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: Of a configuration of which a probe reads the beginning alone: all versions begin with it.
_VERSION = re.compile(rb'\s*\{.*?"version"\s*:\s*"([^"\\]{1,40})"', re.DOTALL)


def version_of(status: int, config: bytes) -> str | None:
    """The version of Gradio that answered `GET /config`. None: it does not say."""
    match = _VERSION.match(config) if status == 200 else None
    return match[1].decode(errors="replace") if match is not None else None


def read(status: int, config: bytes) -> dict[str, Any] | None:
    """None if the answer to `GET /config` does not say what functions there are."""
    try:
        said = json.loads(config) if status == 200 else None
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) and isinstance(said.get("dependencies"), list) else None


def unqueued_functions(status: int, config: bytes) -> PageFunctions | None:
    """Functions with `queue=False`; `None` there means: as all are."""
    said = read(status, config)
    if said is None:
        return None
    kinds: dict[bool, list[tuple[int, str | None]]] = {True: [], False: []}
    for position, function in enumerate(objects(said, "dependencies")):
        kinds[function.get("queue") is False].append(called(position, function))
    unqueued, queued = functions(kinds[True]), functions(kinds[False])
    return PageFunctions(light=Functions(unqueued.numbers - queued.numbers, unqueued.names - queued.names))


def objects(config: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The list under `key`; what is no object in it is empty."""
    listed = config.get(key)
    return [each if isinstance(each, dict) else {} for each in listed] if isinstance(listed, list) else []


def called(position: int, function: Mapping[str, Any]) -> tuple[int, str | None]:
    """What calls a function: its number, which is the place in the list until Gradio 4.32 or so says it, and its
    name."""
    named = function.get("id")
    return named if isinstance(named, int) else position, text(function, "api_name")


def functions(of_kind: Iterable[tuple[int, str | None]]) -> Functions:
    """Those that are `called` so."""
    listed = list(of_kind)
    return Functions(
        frozenset(number for number, _ in listed), frozenset(name for _, name in listed if name is not None)
    )


def text(holder: Mapping[str, Any], key: str) -> str | None:
    """The text under `key`; None: something else."""
    value = holder.get(key)
    return value if isinstance(value, str) else None
