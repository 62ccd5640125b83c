"""ComfyUI: `POST /prompt` answers at once and the work goes on behind it, so the job is a dialogue. One worker thread,
everything else answers beside it. Each route exists below /api, too.

Every GET that is not named is the page's or an extension's own: hundreds when a page opens, none of them a job. Other
POSTs of extensions are counted, until a rule of the configuration says otherwise.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote

from gateway.core.records.lanes import Lane, ModelNeed, WhenBusy
from gateway.names import file_name, prompt_name
from gateway.profiles.comfyui_jobs import interrupted, listed_jobs, prompt_facts, unqueued
from gateway.profiles.rules import RuleTable, rule
from gateway.profiles.treatment import (
    Control,
    IdleProbe,
    Interrupt,
    LocalAnswer,
    More,
    Profile,
    Readiness,
    Treatment,
    Verb,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.profiles.rules import Rule
    from gateway.profiles.treatment import Asked

#: The dialogue: a prompt's end is seen on the page's websocket, in /history, or in /api/jobs.
COMFY_JOB = "comfyui_job"

#: Uploads: their answers name the files that the pod has from then on.
COMFY_UPLOAD = "comfyui_upload"

#: What is told of one prompt: it names what that made.
COMFY_HISTORY = "comfyui_history"

_DONE = LocalAnswer(200)
_CANCELLED = LocalAnswer(200, b'{"cancelled": true}')
_NOT_CANCELLED = LocalAnswer(200, b'{"cancelled": false}')
_LISTS_NONE = LocalAnswer(400, b'{"error":"job_ids must be a list of ids of prompts, and none was found"}')
_NOT_YOURS = LocalAnswer(200, b'{"detail":"No prompt of yours is running or waiting here. Nothing was stopped."}')

_PREFIXES = ("", "/api")

#: Asked again and again, or open as long as the page is.
_POLLED = ("/queue", "/prompt", "/history", "/jobs", "/system_stats", "/internal/logs*")

#: About one prompt: only the pod that has it knows it.
_OF_PROMPT = ("/history/*", "/jobs/*")

_STATEFUL = (
    *("POST /settings", "POST /settings/*", "POST /users", "POST /history", "POST /free"),
    *("PATCH /internal/logs/subscribe", "POST /assets", "POST /assets/*", "PUT /assets/*", "DELETE /assets/*"),
)

#: The user's own files, by names that the page encodes whole: `workflows%2Fa.json`.
_USERDATA = "GET,POST,DELETE,PUT {}/userdata/*"

#: ComfyUI-Manager's: they end the process, or change the code on it, in some versions by GET.
_KILLING = (
    *("* {}/manager/reboot", "* {}/manager/queue/*", "* {}/customnode", "* {}/customnode/*", "* {}/snapshot/*"),
    *("* {}/comfyui_manager/*", "* {}/manager/comfyui_switch_version", "* {}/comfyui_switch_version"),
)

_LONGEST_QUERY = 4096

#: No prompt has this id. (A control that names no job at all is about all of its client's.)
_NO_JOB = ""

#: Seconds. Most prompts are over by then, and home is best: its model is loaded, and the page's earlier pictures are
#: there. Who has waited so long stands in a line or behind a video, and a model is loaded anew in 20 or 30 s.
_MOVE_WHEN_BUSY = 10.0


def comfyui(rules: Iterable[Rule] = ()) -> Profile:
    """Ready when it can say what machine it has; idle when its queue is empty; can be interrupted."""
    table = RuleTable((*rules, *(each for prefix in _PREFIXES for each in _below(prefix)), *_REST))
    return Profile(
        "comfyui",
        table.treatment,
        Readiness("http", "/system_stats", accepts=_has_system, light=True),
        idle=IdleProbe("/queue", _is_idle),
        interrupt=Interrupt("POST", "/interrupt"),
        works_after_disconnect=True,
        names_models=True,
        own_host=True,  # it refuses an Origin that differs from a Host that is this machine
        move_when_busy=_MOVE_WHEN_BUSY,
        refusal=_refusal,
    )


def _below(prefix: str) -> Iterable[Rule]:
    for match in _KILLING:
        yield rule(match.format(prefix), Lane.DENIED)
        yield rule(match.format(f"{prefix}/v2"), Lane.DENIED)
    prompt = More(_prompt, by_body=True)
    yield rule(f"POST {prefix}/prompt", Lane.COUNTED, WhenBusy.WAIT, more=prompt)
    yield rule(f"POST {prefix}/interrupt", Lane.PASSIVE, more=More(_interrupt, by_body=True))
    yield rule(f"POST {prefix}/queue", Lane.PASSIVE, more=More(_queue, by_body=True))
    yield rule(f"GET {prefix}/ws", Lane.PASSIVE, more=More(_socket))
    yield rule(f"POST {prefix}/jobs/*/cancel", Lane.PASSIVE, more=More(_cancel))
    yield rule(f"POST {prefix}/jobs/cancel", Lane.PASSIVE, more=More(_cancel_all, by_body=True))
    yield rule(f"POST {prefix}/upload/*", Lane.EXEMPT, more=More(dialogue=COMFY_UPLOAD, beside_page=True))
    yield rule(f"GET {prefix}/view", Lane.EXEMPT, more=More(_view))
    yield rule(_USERDATA.format(prefix), Lane.EXEMPT, names_anything=True)
    for path in _POLLED:
        yield rule(f"GET {prefix}{path}", Lane.PASSIVE)
    for path in _OF_PROMPT:
        yield rule(f"GET {prefix}{path}", Lane.PASSIVE, more=More(_of_prompt))
    for match in _STATEFUL:
        method, path = match.split(" ")
        yield rule(f"{method} {prefix}{path}", Lane.EXEMPT)


_REST = (
    rule("GET,OPTIONS /*", Lane.EXEMPT),
    rule("* /*", Lane.COUNTED, WhenBusy.WAIT, names_no_route=True),
)


def _prompt(asked: Asked) -> Treatment:
    facts = prompt_facts(asked)
    keys = (_client_key(facts.client),) if facts.client is not None else ()
    need = ModelNeed(facts.model) if facts.model is not None else None
    more = More(session_keys=keys, files=facts.files, job=facts.prompt_id, need=need, dialogue=COMFY_JOB)
    return Treatment(Lane.COUNTED, WhenBusy.WAIT, more=more)  # what it reads and what it paints is on one pod's disk


def _interrupt(asked: Asked) -> Treatment:
    control = Control(Verb.STOP, lambda place: _DONE, interrupted(asked), foreign=_NOT_YOURS)
    return Treatment(Lane.PASSIVE, more=More(control=control))


def _cancel(asked: Asked) -> Treatment:
    """`/jobs/ID/cancel`."""
    prompt_id = unquote(asked.raw_path.decode(errors="replace").split("/")[-2])
    control = Control(Verb.STOP, lambda place: _CANCELLED, (prompt_id,), foreign=_NOT_CANCELLED)
    return Treatment(Lane.PASSIVE, more=More(control=control))


def _cancel_all(asked: Asked) -> Treatment:
    """`/jobs/cancel`: those that its body lists."""
    listed = listed_jobs(asked)
    foreign = _NOT_CANCELLED if listed else _LISTS_NONE
    control = Control(Verb.STOP, lambda place: _CANCELLED, listed or (_NO_JOB,), foreign=foreign)
    return Treatment(Lane.PASSIVE, more=More(control=control))


def _of_prompt(asked: Asked) -> Treatment:
    """`/history/ID`, `/jobs/ID`."""
    prompt_id = unquote(asked.raw_path.decode(errors="replace").rpartition("/")[2])
    return Treatment(Lane.PASSIVE, more=More(made=(prompt_name(prompt_id),), dialogue=COMFY_HISTORY))


def _view(asked: Asked) -> Treatment:
    if len(asked.query) > _LONGEST_QUERY:
        return Treatment(Lane.EXEMPT)
    query = parse_qs(asked.query.decode(errors="replace"))
    name, folder, kind = (next(iter(query.get(each, ())), "") for each in ("filename", "subfolder", "type"))
    made = (file_name(name, folder, kind or "output"),) if name else ()
    return Treatment(Lane.EXEMPT, more=More(made=made, beside_page=True))


def _queue(asked: Asked) -> Treatment:
    """`clear` and `delete`: the client's are in line here, and what is in the pod's queue may be another's."""
    jobs = unqueued(asked)
    control = Control(Verb.UNQUEUE, lambda place: _DONE, jobs, foreign=_DONE) if jobs is not None else None
    return Treatment(Lane.PASSIVE, more=More(control=control))


def _socket(asked: Asked) -> Treatment:
    """Its name for itself is the one that the page's prompts carry."""
    client = None
    if len(asked.query) <= _LONGEST_QUERY:
        client = next(iter(parse_qs(asked.query.decode(errors="replace")).get("clientId", ())), None)
    keys = (_client_key(client),) if client else ()
    return Treatment(Lane.PASSIVE, more=More(session_keys=keys, tells_of_jobs=True))


def _refusal(title: str, detail: str) -> dict[str, object]:
    """As ComfyUI refuses a graph: its page reads these, and shows nothing without them."""
    error = {"type": "gateway", "message": title, "details": detail, "extra_info": {}}
    return {"error": error, "node_errors": {}}


def _client_key(client: str) -> str:
    return f"client:{client}"


def _has_system(status: int, body: bytes) -> bool:
    return status == 200 and "system" in _object(body)


def _is_idle(status: int, body: bytes) -> bool:
    queue = _object(body)
    return status == 200 and queue.get("queue_running") == [] and queue.get("queue_pending") == []


def _object(body: bytes) -> dict[str, object]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
