"""Readers of values in Knative's annotations and config maps: text, as Go reads it.

Each reader raises ValueError with what it *expects*.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_MOST_INT32 = (1 << 31) - 1
_WHOLE = re.compile(r"[+-]?[0-9]{1,30}")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][+-]?[0-9]{1,3})?")
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"([0-9]{1,15}(?:\.[0-9]{0,15})?|\.[0-9]{1,15})(ns|us|µs|μs|ms|s|m|h)")
_DURATION = re.compile(rf"[+-]?(?:0|(?:{_PART.pattern})+)")
_COOKIE_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110 5.6.2


def whole(least: int, most: int = _MOST_INT32) -> Callable[[str], int]:
    """A whole number between bounds, both included."""
    bounds = f"at least {least}" if most == _MOST_INT32 else f"from {least} to {most}"

    def read(text: str) -> int:
        if _WHOLE.fullmatch(text) and least <= int(text) <= most:
            return int(text)
        raise ValueError(f"a whole number, {bounds}")

    return read


def number(least: float, most: float = math.inf, *, besides: float | None = None) -> Callable[[str], float]:
    """A number between bounds, both included. `besides`: one that is allowed out of bounds."""
    bounds = f"at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
    also = f", or {besides:g}" if besides is not None else ""

    def read(text: str) -> float:
        value = float(text) if _DECIMAL.fullmatch(text) else math.nan
        if math.isfinite(value) and (least <= value <= most or value == besides):
            return value
        raise ValueError(f"a number, {bounds}{also}")

    return read


def whole_seconds(least: float, most: float) -> Callable[[str], int]:
    """A duration of Go's `time.ParseDuration`, in seconds between bounds, without a fraction."""
    precise = duration(least, most)

    def read(text: str) -> int:
        value = precise(text)
        if value % 1:
            raise ValueError(f"{_said(least, most)} without a fraction of a second")
        return int(value)

    return read


def duration(least: float, most: float) -> Callable[[str], float]:
    """A duration of Go's `time.ParseDuration`, in seconds between bounds, both included."""

    def read(text: str) -> float:
        if _DURATION.fullmatch(text):
            size = math.fsum(float(count) * _SECONDS[unit] for count, unit in _PART.findall(text))
            value = round(-size if text.startswith("-") else size, 9)  # as exact as Go: nanoseconds
            if least <= value <= most:
                return value
        raise ValueError(_said(least, most))

    return read


def one_of(*words: str) -> Callable[[str], str]:
    """One of some words, unchanged."""

    def read(text: str) -> str:
        if text in words:
            return text
        raise ValueError(words[0] if len(words) == 1 else f"one of {', '.join(words)}")

    return read


def cookie_name(text: str) -> str:
    """A cookie name that browsers accept."""
    if _COOKIE_NAME.fullmatch(text):
        return text
    raise ValueError("a cookie name: letters, digits and !#$%&'*+-.^_`|~")


def _said(least: float, most: float) -> str:
    bounds = f"at least {least:g} s" if most == math.inf else f"from {least:g} s to {most:g} s"
    return f'a duration such as "60s" or "1m30s", {bounds}'
