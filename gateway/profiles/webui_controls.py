"""Clicks on the web UI's page that stop the running job. The page sends them as ordinary events that name a function
by its number (programs also by its name); what a function does is in Gradio's configuration, which each page and
`GET /config` carry."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from gateway.profiles.treatment import Functions, StoppingProbe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The buttons' ids, as in `txt2img_interrupt`; each tab has its own. "Interrupting..." is the same button while the job
#: is stopping.
_BUTTON = re.compile(r"[a-z0-9]+_(?:interrupt|interrupting|skip)")


def stopping_functions(status: int, config: bytes) -> Functions | None:
    """The functions that those buttons call. None if the answer to `GET /config` does not say what functions there
    are."""
    try:
        read = json.loads(config) if status == 200 else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict) or not isinstance(read.get("dependencies"), list):
        return None
    buttons = {each.get("id") for each in _objects(read, "components") if _is_button(each)} - {None}
    functions = enumerate(_objects(read, "dependencies"))
    stopping = [(position, each) for position, each in functions if buttons & set(_targets(each))]
    names = {name for _, each in stopping if isinstance(name := each.get("api_name"), str)}
    return Functions(frozenset(_number(*each) for each in stopping), frozenset(names))


STOPPING = StoppingProbe("/config", stopping_functions)


def _number(position: int, dependency: Mapping[str, Any]) -> int:
    """`fn_index` is the place in the list, until Gradio 4.32 or so says it."""
    named = dependency.get("id")
    return named if isinstance(named, int) else position


def _objects(config: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    listed = config.get(key)
    return [each if isinstance(each, dict) else {} for each in listed] if isinstance(listed, list) else []


def _is_button(component: Mapping[str, Any]) -> bool:
    props, name = component.get("props"), component.get("id")
    elem_id = props.get("elem_id") if isinstance(props, dict) else None
    return isinstance(name, int) and isinstance(elem_id, str) and _BUTTON.fullmatch(elem_id) is not None


def _targets(dependency: Mapping[str, Any]) -> Iterator[int]:
    """Gradio 3 lists numbers of components, Gradio 4 pairs of one and what happens to it."""
    targets = dependency.get("targets")
    for target in targets if isinstance(targets, list) else ():
        first = target[0] if isinstance(target, list) and target else target
        if isinstance(first, int):
            yield first
