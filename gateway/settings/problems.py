"""Validates the values of a file, and reports every fault by its place: what stands there, and what
belongs there.

All faults are reported at once. For that, a value that is wrong is taken out and the rest is validated
again, until there are settings, perhaps without some of those meant, whose parts can be checked against
one another.
"""

from __future__ import annotations

import copy
import difflib
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.settings.file import overlaps

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from gateway.settings.file import Document, Location, Problem

Model = TypeVar("Model", bound=BaseModel)

_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
}


def validate(model: type[Model], document: Document) -> tuple[Model | None, dict[Location, Problem]]:
    """The document as a `model`, without the values that are wrong, and the problem of each of these.

    None where too little is left for one. Places that the document could not read are not reported again.
    """
    schema = model.model_json_schema()
    values = copy.deepcopy(document.values or {})
    wrong: dict[Location, Problem] = {}
    while True:
        try:
            return model.model_validate(values), wrong
        except ValidationError as failure:
            errors = failure.errors(include_url=False, include_input=False)
        left_out = [*document.unread, *wrong]
        for error in errors:
            if not overlaps(_location(error), left_out):
                wrong.setdefault(_location(error), _problem(document, schema, error))
        removed = [_remove(values, keys) for keys in {_removable(error) for error in errors}]
        if not any(removed):
            return None, wrong


def did_you_mean(word: str, known: list[str]) -> str:
    """A suggestion, or nothing."""
    close = difflib.get_close_matches(word.lower().replace("-", "_"), known, n=1)
    return f'did you mean "{close[0]}"?' if close else ""


def _location(error: ErrorDetails) -> Location:
    return tuple(step for step in error["loc"] if step != "[key]")


def _removable(error: ErrorDetails) -> tuple[str, ...]:
    """The keys to what has to go. A list goes as a whole, or its other items would change their indexes; where
    something is missing, what misses it goes."""
    keys: list[str] = []
    for step in _location(error):
        if isinstance(step, int):
            return tuple(keys)
        keys.append(step)
    return tuple(keys[:-1] if error["type"] == "missing" else keys)


def _remove(values: dict[str, Any], keys: tuple[str, ...]) -> bool:
    """Whether something was there to go."""
    holder: Any = values
    for key in keys[:-1]:
        holder = holder.get(key, {})
    return bool(keys) and holder.pop(keys[-1], None) is not None


def _problem(document: Document, schema: dict[str, Any], error: ErrorDetails) -> Problem:
    location = _location(error)
    if error["type"] == "extra_forbidden":
        known = list(_node(schema, location[:-1]).get("properties", ()))
        return document.key_problem(location, _one_of(known), did_you_mean(str(location[-1]), known))
    if error["loc"][-1] == "[key]":
        return document.key_problem(location, str(error["ctx"]["error"]))
    node = _node(schema, location)
    if choices := node.get("enum", ()):
        return document.problem(location, _one_of(choices), hint=did_you_mean(document.text(location), choices))
    expected = str(error["ctx"]["error"]) if error["type"] == "value_error" else _kind(node)
    offered: list[str] = next((choice["enum"] for choice in node.get("anyOf", ()) if "enum" in choice), [])
    return document.problem(location, expected, hint=did_you_mean(document.text(location), offered))


def _one_of(choices: list[str]) -> str:
    return choices[0] if len(choices) == 1 else f"one of {', '.join(choices)}"


def _kind(node: dict[str, Any]) -> str:
    """What sort of value the schema wants."""
    if keys := list(node.get("properties", ())):
        return f"a mapping with the key{'s' if keys[1:] else ''} {', '.join(keys)}"
    return _KINDS.get(node.get("type", ""), "a value")


def _node(schema: dict[str, Any], location: Location) -> dict[str, Any]:
    """The schema's node for a place in the file."""
    node = schema
    for step in location:
        node = _resolved(schema, node)
        inner = node.get("items") if isinstance(step, int) else node.get("properties", {}).get(step)
        named = next(iter(node.get("patternProperties", {}).values()), None)
        node = inner or named or node.get("additionalProperties") or {}
    return _resolved(schema, node)


def _resolved(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    """Past references, and past the null of what may be left out."""
    while True:
        if "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        elif any(choice.get("type") == "null" for choice in node.get("anyOf", ())):
            node = next(choice for choice in node["anyOf"] if choice.get("type") != "null")
        else:
            return node
