"""Headers for a pod's queue-proxy beside the request's own. They say who reports the request to the autoscaler.

An activator's one word is `K-Proxy-Request: activator`: the queue-proxy then counts the request as somebody else's to
report. The headers that name the revision are for the activator; it takes them off, so they are not sent at all.
(pkg/activator/handler/handler.go and pkg/queue/handler.go of Knative Serving.)
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, NamedTuple

from gateway.core.scaling.report import Accounting

if TYPE_CHECKING:
    Header = tuple[bytes, bytes]


class ExemptVia(enum.Enum):
    """Which way requests that take no slot go into a pod."""

    USER_PORT = "user-port"  # to the container itself
    KUBELET_PROBE = "kubelet-probe"  # through the queue-proxy, past its limit and its statistics
    QUEUE = "queue"  # through the queue-proxy as any other: they wait behind those that take one


class ActivatorHeaders(NamedTuple):
    """By lane."""

    counted: tuple[Header, ...]
    uncounted: tuple[Header, ...]


_REPORTED_HERE: Header = (b"k-proxy-request", b"activator")

#: Any value does. Deprecated, and measured to work.
_PAST_THE_LIMIT: Header = (b"k-kubelet-probe", b"gateway")


def activator_headers(accounting: Accounting, exempt_via: ExemptVia) -> ActivatorHeaders:
    """For one pool."""
    reported = (_REPORTED_HERE,) if accounting is Accounting.PROXIED else ()
    uncounted = {
        ExemptVia.USER_PORT: (),
        ExemptVia.KUBELET_PROBE: (_PAST_THE_LIMIT,),
        ExemptVia.QUEUE: reported,  # they scale nothing: not told of here, nor by the queue-proxy
    }
    return ActivatorHeaders(reported, uncounted[exempt_via])
