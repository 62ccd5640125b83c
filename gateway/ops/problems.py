"""Errors of the operators' port as problem details (RFC 9457)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from collections.abc import Mapping


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a problem as its body."""
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")
