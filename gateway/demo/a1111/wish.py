"""What a client asks of A1111: the request's body read as FastAPI 0.94 with pydantic 1 reads it.

Refuses with the shapes of those versions, which A1111 pins. Takes the fields a stand-in can honour, ignores the others.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Pixels. The real one has no bounds; these keep a stand-in from painting for seconds.
_SIDE = (8, 2048)
_PICTURES = (1, 16)
_STEPS = (1, 150)


class UnprocessableError(Exception):
    """The body is not what the route takes: the answer is 422 with `errors` as its `detail`."""

    def __init__(self, message: str, kind: str, *where: str | int, ctx: Mapping[str, object] | None = None) -> None:
        super().__init__(message)
        error: dict[str, object] = {"loc": ["body", *where], "msg": message, "type": kind}
        self.errors = [error | {"ctx": dict(ctx)} if ctx else error]


def read_fields(body: bytes, content_type: str | None) -> dict[str, Any]:
    """The body as an object. A body whose Content-Type is not JSON is not one; without a Content-Type it may be.

    Raises UnprocessableError, and UnicodeDecodeError where FastAPI answers 400.
    """
    if not body:
        raise UnprocessableError("field required", "value_error.missing")
    fields = _decoded(body) if content_type is None or _is_json(content_type) else body
    if not isinstance(fields, dict):
        raise UnprocessableError("value is not a valid dict", "type_error.dict")
    return fields


def _is_json(content_type: str) -> bool:
    media_type = content_type.split(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


def _decoded(body: bytes) -> object:
    try:
        return json.loads(body)
    except json.JSONDecodeError as error:
        ctx = {"msg": error.msg, "doc": error.doc, "pos": error.pos, "lineno": error.lineno, "colno": error.colno}
        raise UnprocessableError(str(error), "value_error.jsondecode", error.pos, ctx=ctx) from None


@dataclass(frozen=True, slots=True)
class Wish:
    """The pictures a client asks for, within the stand-in's bounds."""

    prompt: str
    seed: int
    steps: int
    width: int
    height: int
    batch_size: int
    n_iter: int
    task: str  # force_task_id; empty: the server names it

    @property
    def pictures(self) -> int:
        """How many are painted: the real one multiplies the two as well."""
        return min(self.batch_size * self.n_iter, _PICTURES[1])

    @property
    def seeds(self) -> range:
        """One for each picture."""
        return range(self.seed, self.seed + self.pictures)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> Wish:
        """Raises UnprocessableError for a field of a wrong type."""
        seed = _integer(fields, "seed", -1, (-1, 2**64 - 1))
        return cls(
            prompt=_string(fields, "prompt"),
            seed=random.randrange(2**32) if seed == -1 else seed,
            steps=_integer(fields, "steps", 50, _STEPS),
            width=_integer(fields, "width", 512, _SIDE),
            height=_integer(fields, "height", 512, _SIDE),
            batch_size=_integer(fields, "batch_size", 1, _PICTURES),
            n_iter=_integer(fields, "n_iter", 1, _PICTURES),
            task=_string(fields, "force_task_id"),
        )


def _integer(fields: Mapping[str, Any], name: str, default: int, bounds: tuple[int, int]) -> int:
    value = fields.get(name)
    try:
        number = default if value is None else int(value)
    except (TypeError, ValueError, OverflowError):
        raise UnprocessableError("value is not a valid integer", "type_error.integer", name) from None
    return max(bounds[0], min(number, bounds[1]))


def _string(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise UnprocessableError("str type expected", "type_error.str", name)
    return str(value)
