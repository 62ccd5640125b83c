"""Checks that the packages of the extra `tracing` are installed where tracing is configured. Imports
none of them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from gateway.settings.checks import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings.model import Settings

INSTALL = "pip install 'one-at-a-time-gateway[tracing]'"

#: The packages of the extra; the last one needs the others.
_PARTS = ("opentelemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")


def check_tracing(settings: Settings) -> Iterator[Finding]:
    """Tracing that is configured without its packages."""
    if settings.tracing.endpoint is not None and not _is_installed():
        yield Finding(("tracing", "endpoint"), f"none, or the parts that tracing needs; install them with: {INSTALL}")


def _is_installed() -> bool:
    try:
        return all(find_spec(part) is not None for part in _PARTS)
    except (ImportError, ValueError):  # a package that is part of the name is missing
        return False
