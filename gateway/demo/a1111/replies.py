"""Answers in JSON, and what the A1111 stand-in answers where a handler fails."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from gateway.demo.a1111 import answers
from gateway.demo.a1111.wish import UnprocessableError
from gateway.demo.gpu import TwoAtOnceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ExceptionHandler


def reply(content: object, status: int = HTTPStatus.OK) -> Response:
    """In ASCII, so that any string that came in may go out."""
    return Response(json.dumps(content, separators=(",", ":")), status, media_type="application/json")


def always(content: object) -> Callable[[Request], Awaitable[Response]]:
    """A handler that answers this."""

    async def answer(request: Request) -> Response:
        return reply(content)

    return answer


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = reply({"detail": error.detail}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _on_unprocessable(request: Request, error: Exception) -> Response:
    assert isinstance(error, UnprocessableError)
    return reply({"detail": error.errors}, HTTPStatus.UNPROCESSABLE_ENTITY)


async def _on_unreadable(request: Request, error: Exception) -> Response:
    return reply(answers.failure("HTTPException", "There was an error parsing the body"), HTTPStatus.BAD_REQUEST)


async def _on_two_at_once(request: Request, error: Exception) -> Response:
    return reply(answers.failure("TwoAtOnce", str(error)), HTTPStatus.INTERNAL_SERVER_ERROR)


async def _on_client_gone(request: Request, error: Exception) -> Response:
    """It left in the middle of its body: nobody reads this."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


#: By exception, for Starlette.
ERRORS: dict[object, ExceptionHandler] = {
    HTTPException: _on_http_exception,
    UnprocessableError: _on_unprocessable,
    UnicodeDecodeError: _on_unreadable,
    TwoAtOnceError: _on_two_at_once,
    ClientDisconnect: _on_client_gone,
}
