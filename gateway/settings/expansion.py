"""Replaces `${NAME}` and `${NAME:-default}` in a text by the environment's values. The default also
stands in for an empty value, as in a shell; `$${` is a plain `${`. No message repeats a value from the
environment.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE = re.compile(r"\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-((?:(?!\$\{)[^}])*))?\})?")
_CONSTRAINTS = {"pattern", "enum", "const"}


class ExpansionError(ValueError):
    """A text that cannot be expanded: what was expected instead, and perhaps what to do."""

    def __init__(self, expected: str, hint: str) -> None:
        super().__init__(expected)
        self.expected = expected
        self.hint = hint


def expand(text: str, environ: Mapping[str, str]) -> str:
    """The text with its references replaced, once. Raises ExpansionError."""
    return _REFERENCE.sub(lambda match: _replacement(match, environ), text)


def variables(text: str) -> list[str]:
    """The names that the text refers to, each once."""
    return list(dict.fromkeys(match[1] for match in _REFERENCE.finditer(text) if match[1]))


def allow_references(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON Schema in which every value that is not free text may also be a reference."""
    node = {key: _inner(value) for key, value in schema.items()}
    if "anyOf" in node:
        choices = [inner for choice in node["anyOf"] for inner in choice.get("anyOf", (choice,))]
        node["anyOf"] = [choice for index, choice in enumerate(choices) if choice not in choices[:index]]
    elif _CONSTRAINTS & node.keys() or node.get("type") in ("integer", "number", "boolean"):
        about: dict[str, Any] = {key: node.pop(key) for key in ("title", "description", "default") if key in node}
        return {**about, "anyOf": [node, {"type": "string", "pattern": r"\$\{"}]}
    return node


def _inner(value: Any) -> Any:
    if isinstance(value, list):
        return [_inner(item) for item in value]
    return allow_references(value) if isinstance(value, dict) else value


def _replacement(match: re.Match[str], environ: Mapping[str, str]) -> str:
    name, default = match.groups()
    if match[0] == "$${":
        return "${"
    if name is None:
        raise ExpansionError("${NAME} or ${NAME:-default}", "a plain ${ is written $${")
    if default is not None:
        return environ.get(name) or default
    if name not in environ:
        raise ExpansionError(f"{name} in the environment, where it is not set", f"or a default: ${{{name}:-...}}")
    return environ[name]
