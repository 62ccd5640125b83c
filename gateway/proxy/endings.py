"""Endings of requests whose backend failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.decisions import Ending
from gateway.upstream.errors import BadAnswer

if TYPE_CHECKING:
    from gateway.upstream.errors import UpstreamError


def ending_of(error: UpstreamError) -> Ending:
    """Before the head of an answer."""
    return Ending.BACKEND_BAD_ANSWER if isinstance(error, BadAnswer) else Ending.BACKEND_BROKE_BEFORE_ANSWER
