"""Reads the web UI's own bodies: Gradio's events, tasks, options, and the model that a job needs.

A heavy event carries the task's name as its first datum, `task(...)`: the page makes it up, and the web UI keys its
progress on it.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane, ModelNeed, WhenBusy
from gateway.profiles.bodies import look
from gateway.profiles.gradio_events import called_function, session_keys
from gateway.profiles.gradio_files import GRADIO_ANSWER
from gateway.profiles.treatment import Chosen, Click, More, Treatment

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.profiles.bodies import Found, Path
    from gateway.profiles.treatment import Asked, Control

_TASK = "task("
_LONGEST_NAME = 256

_EVENT_PLACES = frozenset((("data", 0), ("fn_index",), ("session_hash",), ("event_id",)))
_RESTORE = "override_settings_restore_afterwards"
_CHECKPOINT = "sd_model_checkpoint"
_OVERRIDE = ("override_settings", _CHECKPOINT)
_JOB_PLACES = frozenset((_OVERRIDE, (_RESTORE,), ("force_task_id",)))
_TASK_PLACES = frozenset((("id_task",),))

#: "v1-5.safetensors [6ce0161689]", with a directory before it or not: all of them name one model.
_HASH = re.compile(r" \[[0-9a-f]{6,64}\]$")
_SUFFIX = re.compile(r"\.(?:safetensors|ckpt|pt|pth|sft|gguf|bin)$", re.IGNORECASE)


def model_name(spelled: str | None) -> str | None:
    """A model by the one name that all spellings of it have in common: no directory, no ending, no hash."""
    if not spelled or len(spelled) > _LONGEST_NAME:
        return None
    bare = _HASH.sub("", spelled.strip()).replace("\\", "/").rpartition("/")[2]
    return _SUFFIX.sub("", bare) or None


def event(asked: Asked, stops: Control, dialogue: str | None = None) -> Treatment:
    """A click on the page: counted when it is a task's, or when that cannot be seen. `stops`: what one is that stops a
    job; `dialogue`: of one that is a job."""
    found = look(asked.body, _EVENT_PLACES.__contains__, 2, whole=asked.whole)
    task = found.text("data", 0)
    click = Click(stops, *called_function(asked, found), dialogue, found.sure)
    answer = GRADIO_ANSWER if dialogue is None else None
    more = More(session_keys=session_keys(asked, found), click=click, answer=answer)
    if task is not None and task.startswith(_TASK):
        return Treatment(Lane.COUNTED, WhenBusy.WAIT, more=replace(more, job=_name(task), dialogue=dialogue))
    if found.sure:
        return Treatment(Lane.EXEMPT, more=more)
    return Treatment(Lane.COUNTED, WhenBusy.WAIT, more=replace(more, dialogue=dialogue))


def generation(asked: Asked) -> Treatment:
    """A call for a picture: what it calls itself, and the model that it overrides the pod's with. Afterwards the web UI
    restores its option, unless it is told not to, and leaves the weights: so the next call that names no model loads
    the option's again."""
    found = look(asked.body, _JOB_PLACES.__contains__, 2, whole=asked.whole)
    model = model_name(found.text(*_OVERRIDE))
    stays = model is not None and found.values.get((_RESTORE,)) is False
    need = ModelNeed(model, stays) if model is not None or found.sure else None
    more = More(job=_name(found.text("force_task_id")), need=need)
    if model is None:
        more = replace(more, chosen=Chosen.USED)
    elif stays:
        more = replace(more, chooses=found.text(*_OVERRIDE))
    return Treatment(Lane.COUNTED, WhenBusy.SPILL, more=more)


def options(loads: Callable[[str], bool]) -> Callable[[Asked], Treatment]:
    """`POST /sdapi/v1/options`: counted if one of its keys `loads` something, or if that cannot be seen."""

    def treat(asked: Asked) -> Treatment:
        found = look(asked.body, _is_top, 1, whole=asked.whole)
        if found.sure and not any(loads(str(path[0])) for path in found.values if path):
            return Treatment(Lane.EXEMPT)
        spelled = found.text(_CHECKPOINT)
        if (model := model_name(spelled)) is None:
            return Treatment(Lane.COUNTED, WhenBusy.WAIT, more=More())
        return Treatment(Lane.COUNTED, WhenBusy.WAIT, more=More(need=ModelNeed(model, stays=True), chooses=spelled))

    return treat


def choice(model: str) -> bytes:
    """The body of `POST /sdapi/v1/options` that makes a model the web UI's own."""
    return json.dumps({_CHECKPOINT: model}).encode()


def watched_task(asked: Asked) -> str | None:
    """The task that `/internal/progress` asks for."""
    found: Found = look(asked.body, _TASK_PLACES.__contains__, 1, whole=asked.whole)
    return _name(found.text("id_task"))


def _is_top(path: Path) -> bool:
    return len(path) == 1


def _name(given: str | None) -> str | None:
    return given if given and len(given) <= _LONGEST_NAME else None
