"""Makes a request's ticket, with the session that its cookie or another name of the client brings and with the
client's own limit on waiting, and prepares the cookie of its answer."""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING

from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.lanes import Lane
from gateway.core.views.snapshot import short_hash
from gateway.profiles.treatment import Chosen
from gateway.proxy.session.client_names import key_in
from gateway.proxy.session.files import owned_names
from gateway.proxy.session.home_cookie import HomeCookie
from gateway.proxy.who import who_asks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.profiles.treatment import More, Treatment
    from gateway.proxy.context import RequestContext
    from gateway.proxy.pool.served_pool import ServedPool
    from gateway.proxy.session.client_names import Known
    from gateway.proxy.session.cookie import Claim
    from gateway.runtime.driver import Slot

#: RFC 9110 9.2.1: they ask for nothing to be done.
SAFE = frozenset(("GET", "HEAD", "OPTIONS"))

_WAIT = re.compile(rb'(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})\b', re.IGNORECASE)


def ticket_for(
    context: RequestContext, pool: ServedPool, treatment: Treatment, cookie_seen: Callable[[str, str], None]
) -> Ticket:
    """A request's ticket, with the session that its cookie brings."""
    who, claim, now = who_asks(context, pool, cookie_seen), context.claim, time.time()
    more = treatment.more
    context.keys = more.session_keys if more is not None else ()
    if pool.rules.session_header is not None:
        context.keys = (*key_in(context.headers, pool.rules.session_header), *context.keys)
    at = _files_at(context, pool, more.files, claim) if more is not None and more.files else None
    ticket = Ticket(
        treatment.lane,
        when_busy=treatment.when_busy or pool.rules.when_busy,
        patience=patience_of(context.headers, pool.rules.longest_wait),
        label=context.record.request_id,
        rule=treatment.rule,
        anchored=at is not None,
        who=who,
        need=more.need if more is not None else None,
        may_go_on=treatment.may_go_on and context.method not in SAFE,
    )
    if more is not None and more.made and (there := _place_of(context, pool, more.made, claim)) is not None:
        ticket.home = there  # nobody's session: what one pod has says nothing of whose home it is
    elif claim is not None:
        ticket.session, ticket.returning = claim.session, True
        ticket.home = at or pool.cookies.home_of(claim, pool.driver.pool.backends.keys())
    elif (known := _known_without_cookie(context, pool, at)) is not None:
        ticket.session, ticket.returning, ticket.home = known.session, known.home is not None, known.home or at
    elif treatment.lane is not Lane.PASSIVE or context.keys:
        beside = pool.page_sockets.beside(context.record.client) if more is not None and more.beside_page else None
        ticket.session, ticket.home = context.new_session or pool.cookies.new_session(), at or beside
        # From here on, not from its turn: what else its client opens while it is in line is of the same session.
        pool.client_names.remember(context.keys, ticket.session, at)
    if more is not None and (choosing := pool.profile.choosing) is not None:
        ready = filter(pool.driver.pool.is_ready, pool.driver.pool.backends.values())
        context.choice = pool.chosen_models.arrive(ticket, context.record.client, more, choosing, ready)
    if more is not None and more.tells_of_jobs and (at_work := _at_work(pool, ticket)) is not None:
        ticket.home, ticket.anchored = at_work, True
    if ticket.session is not None and ticket.returning:
        context.record.session = short_hash(ticket.session)
    if ticket.session is not None and treatment.lane is not Lane.PASSIVE:
        renews = claim is not None and pool.cookies.needs_renewal(claim, now)
        context.set_cookie = HomeCookie(
            ticket, pool.cookies, renews=renews, secure=context.origin.scheme == "https"
        ).cookie
    return ticket


def _place_of(context: RequestContext, pool: ServedPool, names: tuple[str, ...], claim: Claim | None) -> str | None:
    """The backend that has what is asked for: of this session, of this address, or else of the latest client."""
    session = claim.session if claim is not None else None
    wanted = [owned for name in names for owned in owned_names(context, name, session)]
    found = pool.files.find((*wanted, *names))
    return found if found in pool.driver.pool.backends else None


def _files_at(context: RequestContext, pool: ServedPool, names: tuple[str, ...], claim: Claim | None) -> str | None:
    """The backend that has what the request reads. Of somebody with a cookie, what that session made or sent: others'
    files of the same name are not meant."""
    if claim is None:
        return _place_of(context, pool, names, None)
    found = pool.files.find(owned_names(context, name, claim.session)[0] for name in names)
    return found if found in pool.driver.pool.backends else None


def _at_work(pool: ServedPool, ticket: Ticket) -> str | None:
    """The backend that works for the ticket's session, at home or elsewhere."""
    backends = pool.driver.pool.backends.values()
    working = [backend.identity for backend in backends if backend.works_for(ticket.session)]
    return ticket.home if ticket.home in working else next(iter(working), None)


def _known_without_cookie(context: RequestContext, pool: ServedPool, at: str | None) -> Known | None:
    """By the keys of its request. One whose files are on another backend (`at`) begins anew there: it uploaded them
    with nothing that said who it is, and at home they are missing."""
    known = pool.client_names.find(context.keys)
    if known is not None and at is not None and known.home not in (None, at):
        pool.client_names.forget(context.keys)
        return None
    return known


def remember(context: RequestContext, pool: ServedPool, slot: Slot, more: More | None = None) -> None:
    """Remembers, now that a request has its turn, the home of the session whose names it carries, and the model that it
    is shown."""
    if more is not None and more.chosen is Chosen.SHOWN and (choosing := pool.profile.choosing) is not None:
        pool.chosen_models.shown(slot.ticket, context.record.client, slot.backend, choosing)
    if context.keys and slot.ticket.session is not None:
        pool.client_names.remember(context.keys, slot.ticket.session, slot.ticket.home or slot.backend.identity)


def patience_of(headers: Iterable[tuple[bytes, bytes]], longest: float) -> float:
    """Seconds that the client itself would wait (RFC 7240: `Prefer: wait=SECONDS`)."""
    for name, value in headers:
        if name == b"prefer" and (wait := _WAIT.search(value)):
            return min(float(wait[1]), longest)
    return math.inf
