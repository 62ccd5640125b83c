"""Views as values for strict JSON: what has named fields becomes an object, a number that is not finite becomes
null."""

from __future__ import annotations

import dataclasses
import enum
import math
from collections.abc import Mapping
from typing import Any


def plain(value: object) -> Any:
    """`value` in `dict`, `list`, `str`, `int`, `bool`, finite `float` and None. Seconds are kept to the microsecond.

    Raises TypeError for any other type.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return round(value, 6) if math.isfinite(value) else None
        case enum.Enum():
            return plain(value.value)
        case Mapping():
            return {str(key): plain(each) for key, each in value.items()}
        case tuple() if (names := getattr(value, "_fields", None)) is not None:
            return {name: plain(each) for name, each in zip(names, value, strict=True)}
        case tuple() | list():
            return [plain(each) for each in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    raise TypeError(f"no plain form of {type(value).__name__}")
