"""Decides whether an answer carries the session cookie. What the cookie says is made by `cookie.py`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.core.records.backends_and_tickets import Ticket
    from gateway.proxy.session.cookie import SessionCookies


class HomeCookie:
    """A ticket with a session, and what its client knows of it already."""

    __slots__ = ("_cookies", "_renews", "_secure", "_ticket")

    def __init__(self, ticket: Ticket, cookies: SessionCookies, *, renews: bool, secure: bool) -> None:
        self._ticket = ticket
        self._cookies = cookies
        self._renews = renews
        self._secure = secure

    def cookie(self, served_by: str) -> bytes | None:
        """Set-Cookie for a (new) home or past half the cookie's life; None: the client knows already."""
        ticket = self._ticket
        if not (ticket.new_home or self._renews) or ticket.session is None:
            return None
        return self._cookies.issue(ticket.session, ticket.home or served_by, time.time(), secure=self._secure)
