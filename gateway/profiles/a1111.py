"""AUTOMATIC1111's web UI with `--api` (1.8): which of its routes work on the GPU, and how to ask it.

By method and path alone. Where the body decides (`/queue/join`, `/run/*`, `POST /sdapi/v1/options`, which may load a
model), the request is counted: a slot too many is slow, a slot too few is two pictures at once.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gateway.core.ticket import Lane, WhenBusy
from gateway.profiles.rules import RuleTable, rule
from gateway.profiles.treatment import IdleProbe, Interrupt, Profile, Readiness

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.profiles.rules import Rule

#: Without the picture, which would cost the pod an encoding. /sdapi is registered only after the port was opened, so an
#: answer here means that the API is there. A thread of its own answers: also while the GPU works.
_PROGRESS = "/sdapi/v1/progress?skip_current_image=true"

_SHUTDOWN = ("server-kill", "server-restart", "server-stop")
#: They show the command line, and with it the passwords of --gradio-auth and --api-auth.
_TELLING = ("/internal/sysinfo*", "/internal/profile-startup", "/sdapi/v1/cmd-flags")

#: Asked again and again by every open page. They must not keep a pod alive, and are worth nothing without one.
_POLLED = (
    "GET /sdapi/v1/progress",
    "GET /sdapi/v1/memory",
    "GET /internal/ping",
    "GET /internal/pending-tasks",
    "POST /internal/progress",
    "GET /queue/status",
    "POST /sdapi/v1/interrupt",  # process-global: a pod must not be woken to be interrupted
    "POST /sdapi/v1/skip",
)

_API_LISTS = (
    *("options", "samplers", "schedulers", "upscalers", "latent-upscale-modes", "sd-models", "sd-vae", "sd-modules"),
    *("hypernetworks", "face-restorers", "realesrgan-models", "prompt-styles", "embeddings", "loras"),
    *("scripts", "script-info", "extensions"),
)
_API_REFRESHES = ("refresh-checkpoints", "refresh-vae", "refresh-embeddings", "refresh-loras")

_PAGE = (
    *("/", "/config", "/info", "/startup-events", "/theme.css", "/favicon.ico", "/docs", "/redoc", "/openapi.json"),
    *("/file=*", "/file/*", "/assets/*", "/static/*", "/webui-assets/*", "/sd_extra_networks/*"),
    *("/user", "/login_check", "/token", "/app_id", "/internal/quicksettings-hint"),
)
_PAGE_POSTS = ("/upload", "/reset", "/login")

#: They change what the visitor's own pod holds in memory or on disk: elsewhere they would be of no use to that visitor.
_STATEFUL = (
    *("options", "unload-checkpoint", "reload-checkpoint"),
    *("create/embedding", "create/hypernetwork", "train/embedding", "train/hypernetwork"),
)

_RULES = (
    *(rule(f"* /sdapi/v1/{name}", Lane.DENIED) for name in _SHUTDOWN),
    *(rule(f"* {path}", Lane.DENIED) for path in _TELLING),
    *(rule(match, Lane.PASSIVE) for match in _POLLED),
    *(rule(f"GET /sdapi/v1/{name}", Lane.EXEMPT) for name in _API_LISTS),
    *(rule(f"POST /sdapi/v1/{name}", Lane.EXEMPT) for name in _API_REFRESHES),
    *(rule(f"GET {path}", Lane.EXEMPT) for path in _PAGE),
    *(rule(f"POST {path}", Lane.EXEMPT) for path in _PAGE_POSTS),
    rule("POST /sdapi/v1/png-info", Lane.EXEMPT, repeatable=True),
    rule("OPTIONS /*", Lane.EXEMPT),  # a browser's question before a call from another site
    *(rule(f"POST /sdapi/v1/{name}", Lane.COUNTED, WhenBusy.WAIT) for name in _STATEFUL),
    rule("* /sdapi/*", Lane.COUNTED, WhenBusy.SPILL),  # any pod paints as well as another
    rule("* /*", Lane.COUNTED, WhenBusy.WAIT),  # a page's calls speak of what its pod knows
)


def a1111(rules: Iterable[Rule] = ()) -> Profile:
    """Ready when the API answers; says itself whether it is idle; can be interrupted."""
    return Profile(
        name="a1111",
        treat=RuleTable((*rules, *_RULES)).treatment,
        readiness=Readiness("http", _PROGRESS, accepts=_has_api, light=True),
        idle=IdleProbe(_PROGRESS, says_idle=_is_idle),
        interrupt=Interrupt("POST", "/sdapi/v1/interrupt"),
        works_on=True,  # a page that is closed ends the websocket of its job, and the GPU paints on
    )


def _has_api(status: int, body: bytes) -> bool:
    return status == 200 and "progress" in _object(body)


def _is_idle(status: int, body: bytes) -> bool:
    """A job that begins has job_count -1; one that runs has its name and a count."""
    state = _object(body).get("state")
    return status == 200 and isinstance(state, dict) and state.get("job_count") == 0 and not state.get("job")


def _object(body: bytes) -> dict[str, object]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
