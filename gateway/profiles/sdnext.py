"""SD.Next: A1111's API and Gradio 3.43, more work behind routes of its own, and a status that says all at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles import webui_answers as answers
from gateway.profiles.a1111 import SOCKET_PAGE
from gateway.profiles.rules import rule
from gateway.profiles.treatment import IdleProbe, Readiness
from gateway.profiles.webui import SETTLE, webui

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.profiles.rules import Rule
    from gateway.profiles.treatment import Profile

_STATUS = "/sdapi/v1/status"

#: Nearly every option of these families loads or converts weights when it changes.
_LOADING_PREFIXES = ("sd_", "diffusers_", "model_", "cuda_", "cross_attention")

_RULES = (
    rule("* /sdapi/v1/shutdown", Lane.DENIED),
    rule("* /sdapi/v1/restart", Lane.DENIED),
    rule("* /sdapi/v2/server/*", Lane.DENIED),
    rule(f"GET {_STATUS}", Lane.PASSIVE),
    rule("GET /sdapi/v1/gpu", Lane.PASSIVE),
    rule("GET /sdapi/v1/gpu-smi", Lane.PASSIVE),
    rule("GET /sdapi/v1/history", Lane.EXEMPT),
    rule("POST /sdapi/v1/checkpoint", Lane.COUNTED, WhenBusy.WAIT),  # loads it into the visitor's own pod
)


def sdnext(rules: Iterable[Rule] = ()) -> Profile:
    """Ready when its status answers; idle when that says so."""
    return webui(
        "sdnext",
        rules,
        page=SOCKET_PAGE,
        first=_RULES,
        loading_prefixes=_LOADING_PREFIXES,
        stopped=(answers.DONE, answers.DONE),
        readiness=Readiness("http", _STATUS, accepts=_answers, light=True, settle=SETTLE),
        idle=IdleProbe(_STATUS, says_idle=_is_idle),
    )


def _answers(status: int, body: bytes) -> bool:
    return _status(status, body) is not None


def _is_idle(status: int, body: bytes) -> bool:
    said = _status(status, body)
    return said is not None and said.get("status") == "idle" and not said.get("queued")


def _status(status: int, body: bytes) -> dict[str, object] | None:
    try:
        said = json.loads(body) if status == 200 else None
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) and isinstance(said.get("status"), str) else None
