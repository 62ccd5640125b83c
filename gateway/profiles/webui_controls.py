"""Which clicks on the web UI's page stop the running job. The page sends them as ordinary events that name a function
by its number; what the numbers mean is in Gradio's configuration, which each page and `GET /config` carry.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The buttons' ids, as in `txt2img_interrupt`. "Interrupting..." is the same button while the job is stopping.
_BUTTON = re.compile(r"(?:txt2img|img2img)_(?:interrupt|interrupting|skip)")


def stopping_functions(config: bytes) -> frozenset[int]:
    """Numbers (`fn_index`) of the functions that those buttons call. Empty if the configuration cannot be read."""
    try:
        read = json.loads(config)
    except (ValueError, RecursionError):
        return frozenset()
    if not isinstance(read, dict):
        return frozenset()
    buttons = {each.get("id") for each in _objects(read, "components") if _is_button(each)} - {None}
    functions = enumerate(_objects(read, "dependencies"))
    return frozenset(position for position, each in functions if buttons & set(_targets(each)))


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
