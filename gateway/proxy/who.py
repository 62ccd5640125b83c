"""Who a request is from, for its share of the line: its key where clients have keys, its session if its
cookie came back, else its address."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.core.line.room import NOBODY
from gateway.core.records.networks import network_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.proxy.context import RequestContext
    from gateway.proxy.pool.served_pool import ServedPool


def who_asks(context: RequestContext, pool: ServedPool, cookie_seen: Callable[[str, str], None]) -> str:
    """Reads the session cookie when first called, into `context.claim`. A newcomer's session is no one's: to drop the
    cookie must not buy places."""
    if context.who is None:
        sessions = pool.driver.pool.sessions
        verdict, context.claim = pool.cookies.read(
            context.headers, time.time(), lambda session: sessions.get(session) is not None
        )
        cookie_seen(pool.name, verdict._value_)
        context.who = _name_of(context)
    return context.who


def _name_of(context: RequestContext) -> str:
    if context.record.key is not None:
        return f"key {context.record.key}"
    if context.claim is not None:
        return context.claim.session
    return NOBODY if context.origin.is_proxy else network_of(context.origin.client)
