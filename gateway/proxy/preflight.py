"""Preflights that no pod answers: while none is ready, and where a pod would take a slot for one. They bring no key:
where clients must have one, those of pages that are not allowed get no further then. The rules speak when the request
itself comes: it is refused with a status that its page can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane
from gateway.proxy.answers.problems import Answer
from gateway.proxy.errors import Unauthorised
from gateway.proxy.headers.cors import consent, is_preflight

if TYPE_CHECKING:
    from gateway.proxy.context import RequestContext
    from gateway.proxy.pool.served_pool import ServedPool

_PASSED_ON = (Lane.EXEMPT, Lane.PASSIVE)


async def is_answered(context: RequestContext, pool: ServedPool) -> bool:
    """Answers a preflight of a page whose origin is allowed, if no pod is to. Raises Unauthorised for those of other
    pages then, if they bring no key where one is needed."""
    if not (context.cors or context.is_uninvited) or not is_preflight(context.method, context.headers):
        return False
    if pool.driver.pool.ready_count and pool.profile.treat(context.method, context.sent_path).lane in _PASSED_ON:
        return False
    if not context.cors:
        raise Unauthorised(brought=False)
    context.record.lane = Lane.EXEMPT
    headers = [*consent(context.headers, context.cors), (b"x-request-id", context.record.request_id.encode())]
    await context.answer.tell(Answer(204, headers, b""))
    return True
