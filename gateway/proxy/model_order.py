"""Makes a client's chosen model a backend's own, in the slot of the job that needs it, before the job is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import structlog

from gateway.core.records.lanes import Lane
from gateway.proxy.waiting import check_wanted
from gateway.upstream.errors import BrokeBeforeHead
from gateway.upstream.request import UpstreamRequest

if TYPE_CHECKING:
    from gateway.profiles.treatment import Choosing
    from gateway.proxy.context import RequestContext
    from gateway.proxy.headers.forwarded import Header
    from gateway.proxy.pool.served_pool import ServedPool
    from gateway.proxy.session.chosen_models import Choice
    from gateway.runtime.driver import Slot

#: The client's own, for a backend whose API asks for a login.
_LOGIN = b"authorization"


def is_due(context: RequestContext, slot: Slot) -> bool:
    """The backend that the slot is on has another model of its own than the client has chosen, or may have."""
    return context.choice is not None and context.choice.is_due(slot.ticket)


async def carried_out(context: RequestContext, pool: ServedPool, slot: Slot, headers: list[Header]) -> None:
    """Tells the backend, if that is due. It takes as long as loading does, and a client that leaves meanwhile does not
    end it. `headers`: of the job.

    Raises UpstreamError, the slot's `at_risk` up to date; as `check_wanted`."""
    choice, choosing = context.choice, pool.profile.choosing
    if choice is None or choosing is None or not choice.is_due(slot.ticket):
        return
    address = slot.backend.address_for(Lane.COUNTED)
    request = _request(choice, choosing, pool, address, [each for each in headers if each[0] == _LOGIN])
    slot.at_risk = pool.rules.quarantine(pool.rules.total)
    try:
        with anyio.fail_after(pool.rules.response_start):
            status = await _status(pool, address, request)
    except TimeoutError as error:
        raise BrokeBeforeHead(address, "no answer in time while it loads a model") from error
    if status == 200:
        choice.made(slot.backend)
    else:
        structlog.get_logger().warning(
            "model_not_loaded",
            pool=pool.name,
            backend=slot.backend.name,
            status=status,
            means="a client's job is done with the model that this pod has",
            do="see that all pods of the pool have the same models, and the pod's own log",
        )
    check_wanted(context, slot)


def _request(
    choice: Choice, choosing: Choosing, pool: ServedPool, address: str, login: list[Header]
) -> UpstreamRequest:
    headers = [(b"host", address.encode()), (b"content-type", b"application/json"), *login]
    headers += pool.rules.pod_headers.counted
    return UpstreamRequest(b"POST", choosing.path.encode(), headers, choosing.body(choice.model))


async def _status(pool: ServedPool, address: str, request: UpstreamRequest) -> int:
    exchange = await pool.upstream.send(address, request)
    try:
        head = await exchange.head()
        while not exchange.ended:
            await exchange.read()
        return head.status
    finally:
        exchange.close()
