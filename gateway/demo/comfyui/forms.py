"""Files that a form sends."""

from __future__ import annotations

from email import message_from_bytes
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from starlette.requests import Request


async def sent_file(request: Request) -> tuple[str, bytes] | None:
    """Name and content of the first file of a form. None: it has none, or is no form."""
    head = f"Content-Type: {request.headers.get('content-type', '')}\r\n\r\n"
    form = message_from_bytes(head.encode() + await request.body())
    part = next((part for part in form.walk() if part.get_filename()), None)
    return None if part is None else (part.get_filename(""), cast("bytes", part.get_payload(decode=True)))
