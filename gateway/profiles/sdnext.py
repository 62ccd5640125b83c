"""SD.Next: A1111's API and Gradio 3.43, more work behind routes of its own, and a status that says all at once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles import webui_answers as answers
from gateway.profiles.a1111 import SOCKET_PAGE
from gateway.profiles.rules import rule
from gateway.profiles.treatment import IdleProbe, More, Readiness, Treatment
from gateway.profiles.webui import SETTLE, webui
from gateway.profiles.webui_routes import is_closed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.profiles.rules import Rule
    from gateway.profiles.treatment import Asked, Profile

_STATUS = "/sdapi/v1/status"

#: Nearly every option of these families loads or converts weights when it changes.
_LOADING_PREFIXES = ("sd_", "diffusers_", "model_", "cuda_", "cross_attention")

#: They end the server; read, write and delete what is in its directories, its code and its tokens included; or set a
#: token.
_KILLING = ("/sdapi/v1/shutdown", "/sdapi/v1/restart", "/sdapi/v2/server/*")
_PRYING = ("/sdapi/v1/file", "/sdapi/v1/delete-file", "/sdapi/v1/upload")

_POLLED = ("status", "gpu", "gpu-smi", "log")

#: As its modules/api registers them (2026-07): what is there, and what is known of it.
_LISTS = (
    *("motd", "start", "version", "torch", "platform", "history", "options-info", "preprocessors", "masking"),
    *("controlnets", "control-models", "control-modes", "detailers", "ip-adapters", "wildcards", "unets", "xyz-grid"),
    *("extra-networks", "extra-network-detail", "extra-network-details", "lora", "loaded-loras", "civitai"),
    *("checkpoint", "latents", "modules", "sampler", "png-info", "openclip", "vqa/models", "vqa/prompts"),
    *("tagger/models", "network", "network/metadata", "network/info", "network/desc"),
    *("browser/folders", "browser/files", "browser/thumb", "autocomplete", "autocomplete/*"),
)
_LIGHT = (
    *("POST /sdapi/v1/log", "POST /sdapi/v1/refresh-unets", "POST /sdapi/v1/autocomplete/*/download"),
    *("DELETE /sdapi/v1/autocomplete/*", "DELETE /sdapi/v1/delete-image", "POST /sdapi/v1/latents"),
    *("POST /sdapi/v1/prompt-lang", "POST /sdapi/v1/prompt-banned", "GET,POST,DELETE /sdapi/v2/civitai/*"),
)

#: It loads, or keeps from being loaded, what the visitor's own pod has in memory.
_STATEFUL = ("checkpoint", "lock-checkpoint")

_LONGEST_QUERY = 4096


def _named_file(asked: Asked) -> Treatment:
    """Scripts, styles and pictures, by a name in the query, and without a login: of some directories any file."""
    named = parse_qs(asked.query[:_LONGEST_QUERY].decode(errors="replace"))
    is_open = len(asked.query) <= _LONGEST_QUERY and not any(
        is_closed(name) for names in named.values() for name in names
    )
    return Treatment(Lane.EXEMPT if is_open else Lane.DENIED)


_RULES = (
    *(rule(f"* {path}", Lane.DENIED) for path in (*_KILLING, *_PRYING)),
    rule("POST /sdapi/v2/civitai/settings", Lane.DENIED),
    *(
        rule(f"GET {path}", Lane.EXEMPT, more=More(_named_file), names_anything=True)
        for path in ("/js", "/sdapi/v1/network/thumb")
    ),
    *(rule(f"GET /sdapi/v1/{name}", Lane.PASSIVE) for name in _POLLED),
    *(rule(f"GET /sdapi/v1/{name}", Lane.EXEMPT) for name in _LISTS),
    *(rule(match, Lane.EXEMPT) for match in _LIGHT),
    *(rule(f"POST /sdapi/v1/{name}", Lane.COUNTED, WhenBusy.WAIT) for name in _STATEFUL),
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
