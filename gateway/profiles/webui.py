"""The common part of AUTOMATIC1111's web UI and its descendants: the work and the orders of its API under /sdapi, and
the probes for readiness, idleness and what is loaded. What is light or refused is in `webui_routes.py`.

By method and path, and where the body decides (`POST /sdapi/v1/options`, which may load a model), by the body. What
cannot be seen there is counted: a slot too many is slow, a slot too few is two pictures at once.

No route says whether a model is loaded. Ready means that the API is built: a first picture that comes while the
model is being loaded waits for it in the pod, under the pod's own lock.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles import webui_answers as answers
from gateway.profiles import webui_events as events
from gateway.profiles.bodies import look
from gateway.profiles.rules import RuleTable, rule
from gateway.profiles.treatment import (
    Choosing,
    Chosen,
    Control,
    Fallback,
    IdleProbe,
    Interrupt,
    ModelProbe,
    More,
    Profile,
    Readiness,
    Treatment,
    Verb,
)
from gateway.profiles.webui_functions import functions_probe
from gateway.profiles.webui_routes import LIGHT, REST

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.profiles.rules import Rule
    from gateway.profiles.treatment import Asked, LocalAnswer

#: Without the picture, which would cost the pod an encoding. /sdapi is registered only after the port was opened, so an
#: answer here means that the API is there. A thread of its own answers: also while the GPU works.
PROGRESS = "/sdapi/v1/progress?skip_current_image=true"

#: Options whose change makes the web UI load or convert weights before it answers.
_LOADING = frozenset(
    (
        *("sd_model_checkpoint", "sd_vae", "sd_vae_overrides_per_model_preferences"),
        *("cross_attention_optimization", "fp8_storage", "cache_fp16_weight"),
    )
)

_GENERATING = ("txt2img", "img2img")

#: Done when they have answered, whichever pod does them.
_BLOCKING = ("extra-single-image", "extra-batch-images", "interrogate")

#: They change what the visitor's own pod holds in memory or on disk: elsewhere they would be of no use to that visitor.
_STATEFUL = (
    *("unload-checkpoint", "reload-checkpoint"),
    *("create/embedding", "create/hypernetwork", "train/embedding", "train/hypernetwork"),
)

#: Work that every one of these servers knows. One that has only opened its port answers as if it had never heard of it.
#: No others: where a route does not exist at all, waiting for it would keep the line's head.
_REGISTERED_LATE = frozenset(f"/sdapi/v1/{name}".encode() for name in (*_GENERATING, "options", *_BLOCKING))


def webui(
    name: str,
    rules: Iterable[Rule],
    *,
    page: Iterable[Rule],
    first: Iterable[Rule] = (),
    loading_prefixes: tuple[str, ...] = (),
    stopped: tuple[LocalAnswer, LocalAnswer] = (answers.INTERRUPTED, answers.SKIPPED),
    readiness: Readiness | None = None,
    idle: IdleProbe | None = None,
) -> Profile:
    """A server with A1111's API. `page`: the rules of its Gradio's events; `first`: what else is different about it;
    `loading_prefixes`: further options that load something begin so; `stopped`: its answers to an interrupt and a
    skip."""

    def loads(option: str) -> bool:
        return option in _LOADING or option.startswith(loading_prefixes)

    more = More(events.options(loads), by_body=True)
    options = (
        rule("GET /sdapi/v1/options", Lane.EXEMPT, more=More(chosen=Chosen.SHOWN)),
        rule("POST /sdapi/v1/options", Lane.COUNTED, WhenBusy.WAIT, more=more),
    )
    table = RuleTable((*rules, *first, *_control_rules(*stopped), *LIGHT, *options, *_API_WORK, *page, *REST))
    return Profile(
        name=name,
        treat=table.treatment,
        readiness=readiness or _READINESS,
        idle=idle or IdleProbe(PROGRESS, says_idle=_is_idle),
        interrupt=Interrupt("POST", "/sdapi/v1/interrupt"),
        works_after_disconnect=True,  # a page that is closed ends the websocket of its job, and the GPU paints on
        names_models=True,
        loaded=ModelProbe("/sdapi/v1/options", _loaded),
        choosing=Choosing("/sdapi/v1/options", events.choice, events.model_name),
        functions=functions_probe(loads),
        too_early=_is_too_early,
        refusal=answers.refusal,
    )


#: Tells of the start when that is over. The routes that paint are registered long before what they need is there, so
#: they say nothing. The route came with A1111 1.8.0. Without the page (`--nowebui`) it is missing, as the page's
#: `/config` is, and all is built before the port is opened.
_PROFILE = "/internal/profile-startup"

#: Seconds with an open port and without an HTTP request. A request in the first tenth ends the process ("Cannot add
#: middleware after an application has started"); on a loaded machine that tenth may last seconds.
SETTLE = 3.0

#: Seconds. On a loaded machine the routes of the start were there two seconds after the first one of /sdapi.
_OLDER_AFTER = 10.0


def _is_missing(status: int, body: bytes) -> bool:
    return status == 404


def _is_built(status: int, body: bytes) -> bool:
    return status == 200 and body.lstrip().startswith(b"{")


def _task_progress(asked: Asked) -> Treatment:
    task = events.watched_task(asked)
    if task is None:
        return Treatment(Lane.PASSIVE, more=More())
    control = Control(
        Verb.WATCH,
        answers.held_task,
        jobs=(task,),
        starting=answers.starting_task,
        unseen=answers.UNSEEN_TASK,
        over=answers.OVER_TASK,
    )
    return Treatment(Lane.PASSIVE, more=More(control=control))


def _control_rules(interrupted: LocalAnswer, skipped: LocalAnswer) -> tuple[Rule, ...]:
    """Of the running job: a pod must not be woken for them, and `interrupt` would stop whatever it paints."""
    watch = More(control=Control(Verb.WATCH, answers.held_progress))
    stop = More(control=Control(Verb.STOP, lambda place: interrupted, foreign=answers.NOT_YOURS))
    skip = More(control=Control(Verb.STOP, lambda place: skipped, foreign=answers.NOT_YOURS))
    return (
        rule("GET /sdapi/v1/progress", Lane.PASSIVE, more=watch),
        rule("POST /internal/progress", Lane.PASSIVE, more=More(_task_progress, by_body=True)),
        rule("POST /sdapi/v1/interrupt", Lane.PASSIVE, more=stop),
        rule("POST /sdapi/v1/skip", Lane.PASSIVE, more=skip),
    )


_GENERATION = More(events.generation, by_body=True)
_API_WORK = (
    *(rule(f"POST /sdapi/v1/{name}", Lane.COUNTED, WhenBusy.SPILL, more=_GENERATION) for name in _GENERATING),
    *(rule(f"POST /sdapi/v1/{name}", Lane.COUNTED, WhenBusy.WAIT) for name in _STATEFUL),
    *(rule(f"POST /sdapi/v1/{name}", Lane.COUNTED, WhenBusy.SPILL) for name in _BLOCKING),
    rule("* /sdapi/*", Lane.COUNTED, WhenBusy.SPILL, names_no_route=True),  # any pod paints as well as another
)


_UNBUILT = "'Api' object has no attribute 'default_script_arg_"


def _has_api(status: int, body: bytes) -> bool:
    return status == 200 and "progress" in _object(body)


def _is_idle(status: int, body: bytes) -> bool:
    """A job that begins has job_count -1; one that runs has its name and a count."""
    state = _object(body).get("state")
    return status == 200 and isinstance(state, dict) and state.get("job_count") == 0 and not state.get("job")


def _loaded(status: int, body: bytes) -> str | None:
    """The option, which the web UI keeps in step with the weights, save behind an override. Its list of options may be
    longer than what a probe reads."""
    place = ("sd_model_checkpoint",)
    return events.model_name(look(body, place.__eq__, 1).text(*place)) if status == 200 else None


def _is_too_early(raw_path: bytes, status: int, body: bytes) -> bool:
    """404: the route is not registered yet. 500 with these words: it is, and what it needs is not set yet."""
    if raw_path not in _REGISTERED_LATE:
        return False
    if status == 404:
        return _object(body) == {"detail": "Not Found"}
    return status == 500 and _UNBUILT in str(_object(body).get("errors"))


def _object(body: bytes) -> dict[str, object]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


_REMEDIES = ((404, "start it with --api"),)

_READINESS = Readiness(
    "http",
    _PROFILE,
    accepts=_is_built,
    light=True,
    settle=SETTLE,
    fallback=Fallback(PROGRESS, _has_api, _is_missing, after=_OLDER_AFTER, never="/config", remedies=_REMEDIES),
)
