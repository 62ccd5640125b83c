"""A value together with its source, and annotations that are ignored. Plain data."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

_SHOWN = 60  # characters of a value that a warning repeats: an annotation may have 256 KiB


class Origin(enum.Enum):
    """The source of a value; the source nearest to the request wins."""

    FILE = "file"
    SERVICE = "service annotation"
    ANNOTATION = "revision annotation"
    REVISION = "revision"  # a field of its spec
    CONFIG_AUTOSCALER = "config-autoscaler"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Sourced(Generic[T]):
    """A value, and where it comes from."""

    value: T
    origin: Origin


@dataclass(frozen=True, slots=True)
class IgnoredAnnotation:
    """A warning: what is told makes no sense, and something else applies in its place."""

    of: str  # what it is told of: "revision sd-00001"
    key: str  # as it is spelled there
    found: str
    expected: str

    def __str__(self) -> str:
        found = self.found if len(self.found) <= _SHOWN else self.found[: _SHOWN - 1] + "…"
        return f"{self.of} {self.key}: found {json.dumps(found)}, expected {self.expected}"
