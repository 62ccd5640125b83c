"""Answers the probes that Knative's ingress and kubelet send to an activator: by rule, without a pool.

    User-Agent: kube-probe/...                     200
    K-Network-Probe: probe, K-Network-Hash: HASH   200, the hash echoed: so an ingress knows that its rules are in force
    K-Network-Probe: activator                     200, `activator`: so the autoscaler knows who is in the path
    K-Network-Probe: anything else                 400

Anybody may ask: an answer holds nothing but what was asked, and says nothing of pools, hosts or pods. (pkg/activator/
handler/probe_handler.go and networking/pkg/http/probe/handler.go of Knative Serving.)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, MutableMapping

    from gateway.proxy.headers.forwarded import Header

#: The hash of an ingress is 64 hexadecimal digits, `override` where the ingress is to put its own. It goes back as it
#: came, so nothing may be in it that means anything elsewhere.
_HASH = re.compile(rb"[\w.:-]{1,256}")


class ProbeAnswer(NamedTuple):
    """A whole answer but for what every answer has."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = ()


def probe_answer(method: str, headers: Iterable[Header]) -> ProbeAnswer | None:
    """None: it is no probe. Names must be lower-case."""
    if method not in ("GET", "HEAD"):
        return None
    asked = told = b""
    for name, value in headers:
        if name == b"k-network-probe":
            asked = asked or value
        elif name == b"k-network-hash":
            told = told or value
        elif name == b"user-agent" and value.startswith(b"kube-probe/"):
            return ProbeAnswer(200, b"ok\n")
    return _network_probe(asked, told) if asked else None


def _network_probe(asked: bytes, told: bytes) -> ProbeAnswer:
    if asked == b"activator":
        return ProbeAnswer(200, b"activator")
    if asked != b"probe":
        return ProbeAnswer(400, b"unexpected value of K-Network-Probe\n")
    if not _HASH.fullmatch(told):
        return ProbeAnswer(400, b"K-Network-Hash is missing or is none\n")
    return ProbeAnswer(200, b"", ((b"k-network-hash", told),))


async def say(
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]], request_id: str, answer: ProbeAnswer
) -> None:
    """Sends it, whole."""
    headers = [
        (b"content-type", b"text/plain"),
        (b"content-length", b"%d" % len(answer.body)),
        (b"cache-control", b"no-store"),
        (b"x-request-id", request_id.encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers, "gateway.hold": True})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
