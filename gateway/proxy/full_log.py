"""A warning that requests are refused for want of room, with the setting that bounds it. The log's own rate limit
applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from gateway.core.records.decisions import Reason
from gateway.proxy.errors import Refused

if TYPE_CHECKING:
    from gateway.proxy.context import RequestContext
    from gateway.proxy.errors import EdgeError

_DO = {
    Reason.LINE_FULL: "add pods, or raise queue.limit",
    Reason.BYTES_FULL: "raise queue.bytes if the machine has room, or lower max_body or response_spool",
    Reason.CLIENT_FULL: (
        "leave it if that is one client; trusted_proxies if it is a proxy with many behind it; "
        "else raise queue.client_share"
    ),
}


def warn_if_full(context: RequestContext, error: EdgeError) -> None:
    """Logs a refusal for want of room; other errors are no affair of the operators'."""
    if not isinstance(error, Refused) or (do := _DO.get(error.refusal.reason)) is None:
        return
    whose = {"client": context.origin.client} if error.refusal.reason is Reason.CLIENT_FULL else {}
    pool = context.record.pool
    structlog.get_logger().warning("no_room", pool=pool, reason=error.refusal.reason.value, **whose, do=do)
