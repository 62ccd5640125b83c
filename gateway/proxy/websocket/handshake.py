"""The handshake of a websocket (RFC 6455 4): what is asked of a client, and of a backend that agrees.

Browsers send cookies along with those of pages of other sites, too: whose pages may open one, `same_site` decides.
"""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

from gateway.proxy.errors import BadHandshake, UnknownVersion
from gateway.upstream.errors import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.proxy.headers.forwarded import Header
    from gateway.upstream.head import AnswerHead

VERSION = b"13"

#: What each side puts behind the client's key (RFC 6455 1.3).
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

#: 16 bytes in base64.
_KEY = re.compile(rb"[A-Za-z0-9+/]{22}==")


def check_handshake(headers: Iterable[Header]) -> None:
    """Of a client. Raises UnknownVersion or BadHandshake."""
    listed = list(headers)
    if _all(b"sec-websocket-version", listed) != [VERSION]:
        raise UnknownVersion
    keys = _all(b"sec-websocket-key", listed)
    if len(keys) != 1 or not _KEY.fullmatch(keys[0]):
        raise BadHandshake


def agreement_to(headers: Iterable[Header]) -> bytes:
    """The `Sec-WebSocket-Accept` that answers a client's valid handshake."""
    key = _all(b"sec-websocket-key", headers)[0]
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def check_agreement(address: str, headers: Iterable[Header], head: AnswerHead) -> None:
    """A 101 that does not know the client's key comes from something that speaks no websocket: BadAnswer."""
    if _all(b"sec-websocket-accept", head.headers) != [agreement_to(headers)]:
        raise BadAnswer(address, "101 whose Sec-WebSocket-Accept is not that of the key sent")


def _all(wanted: bytes, headers: Iterable[Header]) -> list[bytes]:
    return [value for name, value in headers if name == wanted]
