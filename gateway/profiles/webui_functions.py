"""Classifies the functions of the web UI's page. A click is an ordinary event that names a function by its number
(programs also by its name); what calls a function is in Gradio's configuration, which each page and `GET /config`
carry.

The configuration does not say what a function does. So it is known by what calls it: a button's id and label, the
script that runs before, and the name that Gradio 4 gives it, which is the one in the server's source. What none of
these words fits is light, as most of a page's hundreds of functions are. (Ids, labels and scripts as in AUTOMATIC1111
1.10.1, Forge of 2025-06 and SD.Next of 2026-07.)
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from gateway.profiles.gradio_config import called, functions, objects, read, text
from gateway.profiles.treatment import FunctionsProbe, PageFunctions

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z])(?:{'|'.join(patterns)})(?![a-z])", re.IGNORECASE)


#: `txt2img_interrupt`, `train_interrupt_training`; "Interrupting..." is the same button while the job is stopping.
_STOPS = _words("interrupt(?:ing|ed)?", "skip", "pause")

#: A button of this kind stops something on the server only if its function shows nothing: others close dialogs.
_STOPS_UNSHOWN = _words("stop", "cancel", "abort")

#: They restart or end the server, as API routes do that are denied, or bring code to it.
_ENDS = re.compile(
    r"(?<!no )restart|shutdown|reload ui|apply and quit|install|(?:update|uninstall)_extension|extension_backup_restore"
    r"|restore_config_state",
    re.IGNORECASE,
)
_ENDS_BY_SCRIPT = re.compile(r"restart_?reload|extensions_apply|config_state_confirm_restore", re.IGNORECASE)

#: They use the GPU, or change what is loaded.
_WORKS = _words(
    *("interrogate", "deepbooru", "caption", "tag", "tagger", "analyze", "annotator", "preprocess(?:or)?"),
    *("load", "unload", "reload", "merge", "train", "upscale", "generate", "reprocess", "settings_submit"),
    "change_(?:checkpoint|refiner|vae|unet|reference)",
)

#: The script of Generate and its like, which puts the task into the event; Enter in the prompt runs it, too.
_WORKS_BY_SCRIPT = re.compile(r"(?<![\w.])(?:submit(?:_\w+)?|modelmerger)\b")

#: The button that a page shows which was loaded again in the middle of a job.
_RESTORES = re.compile(r"_restore_progress\b")

#: Forge's lists of models have no ids.
_LOADS_BY_NAME = re.compile(r"(?:checkpoint|modules)_change(?:_\d+)?")

_SETTING = "setting_"


def functions_probe(loads: Callable[[str], bool]) -> FunctionsProbe:
    """Asks a backend for its page's functions; `loads`: whether a change of an option loads something."""
    silent = "every click passes at once: on Interrupt, on Reload UI, on what uses the GPU"
    return FunctionsProbe("/config", partial(page_functions, loads), silent)


def page_functions(loads: Callable[[str], bool], status: int, config: bytes) -> PageFunctions | None:
    """The functions that are not light. None if the answer to `GET /config` does not say what functions there are."""
    said = read(status, config)
    if said is None:
        return None
    callers = {each["id"]: each for each in objects(said, "components") if isinstance(each.get("id"), int)}
    kinds: dict[str, list[tuple[int, str | None]]] = {}
    for position, function in enumerate(objects(said, "dependencies")):
        called_by = [callers[number] for number in _targets(function) if number in callers]
        kind = _kind(function, called_by, loads)
        kinds.setdefault(kind, []).append(called(position, function))
    return PageFunctions(**{kind: functions(of_kind) for kind, of_kind in kinds.items() if kind})


def _kind(function: Mapping[str, Any], called_by: Collection[Mapping[str, Any]], loads: Callable[[str], bool]) -> str:
    """The field of `PageFunctions` that a function belongs to; empty: to none."""
    name, script = text(function, "api_name") or "", text(function, "js") or ""
    buttons = [each for each in called_by if str(each.get("type")).endswith("button")]
    said = " ".join((name, *(text(_props(each), key) or "" for each in buttons for key in ("elem_id", "value"))))
    if buttons and _RESTORES.search(said):
        return "restoring"
    if buttons and (_ENDS.search(said) or _ENDS_BY_SCRIPT.search(script)):
        return "denied"
    if buttons and (_STOPS.search(said) or (not function.get("outputs") and _STOPS_UNSHOWN.search(said))):
        return "stopping"
    if (
        (buttons and _WORKS.search(said))
        or _WORKS_BY_SCRIPT.search(script)
        or _LOADS_BY_NAME.fullmatch(name)
        or any(_sets(each, loads) for each in called_by)
    ):
        return "working"
    return ""


def _sets(component: Mapping[str, Any], loads: Callable[[str], bool]) -> bool:
    """It is an option whose change loads something."""
    elem_id = text(_props(component), "elem_id") or ""
    return elem_id.startswith(_SETTING) and loads(elem_id.removeprefix(_SETTING))


def _props(component: Mapping[str, Any]) -> Mapping[str, Any]:
    props = component.get("props")
    return props if isinstance(props, dict) else {}


def _targets(function: Mapping[str, Any]) -> Iterator[int]:
    """Gradio 3 lists numbers of components, Gradio 4 pairs of one and what happens to it."""
    targets = function.get("targets")
    for target in targets if isinstance(targets, list) else ():
        first = target[0] if isinstance(target, list) and target else target
        if isinstance(first, int):
            yield first
