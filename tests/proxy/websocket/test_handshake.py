"""Who may open a websocket, and what a backend's word on it must look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.proxy.errors import BadHandshake, EdgeError, ForeignOrigin, UnknownVersion
from gateway.proxy.websocket.handshake import check_agreement, check_handshake
from gateway.upstream.errors import BadAnswer
from gateway.upstream.head import AnswerHead

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse

VERSION = (b"sec-websocket-version", b"13")
KEY = (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")
ALLOWED = frozenset({b"https://ui.example", b"http://localhost:3000"})


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (b"sd.example", None),
        (b"sd.example", b"https://sd.example"),
        (b"sd.example", b"http://sd.example"),
        (b"SD.example", b"https://sd.EXAMPLE"),
        (b"sd.example:8080", b"http://sd.example:8080"),
        (b"sd.example:80", b"http://sd.example"),
        (b"sd.example", b"https://sd.example:443"),
        (b"[::1]:8080", b"http://[::1]:8080"),
        (b"sd.example", b"https://ui.example"),
        (b"sd.example", b"HTTP://LOCALHOST:3000"),
    ],
)
def test_pages_that_may(host: bytes, origin: bytes | None) -> None:
    check_handshake([VERSION, KEY, *([(b"origin", origin)] if origin else [])], host, ALLOWED)


@pytest.mark.parametrize(
    ("host", "origins"),
    [
        (b"sd.example", [b"https://evil.example"]),
        (b"sd.example", [b"https://sd.example.evil.example"]),
        (b"sd.example", [b"https://evil.example/sd.example"]),
        (b"sd.example", [b"https://sd.example@evil.example"]),
        (b"sd.example", [b"https://sd.example:8443"]),
        (b"sd.example:8080", [b"http://sd.example"]),
        (b"sd.example", [b"sd.example"]),
        (b"sd.example", [b"null"]),
        (b"sd.example", [b""]),
        (b"sd.example", [b"http://ui.example"]),
        (b"sd.example", [b"https://sd.example", b"https://evil.example"]),
        (b"", [b"https://"]),
    ],
)
def test_pages_that_may_not(host: bytes, origins: list[bytes]) -> None:
    with pytest.raises(ForeignOrigin):
        check_handshake([VERSION, KEY, *((b"origin", origin) for origin in origins)], host, ALLOWED)


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ([VERSION], BadHandshake),
        ([VERSION, KEY, KEY], BadHandshake),
        ([VERSION, (KEY[0], b"too short==")], BadHandshake),
        ([VERSION, (KEY[0], KEY[1] + b"\n")], BadHandshake),
        ([KEY], UnknownVersion),
        ([KEY, (VERSION[0], b"8")], UnknownVersion),
        ([KEY, VERSION, VERSION], UnknownVersion),
    ],
)
def test_bad_handshakes(headers: list[tuple[bytes, bytes]], error: type[EdgeError]) -> None:
    with pytest.raises(error):
        check_handshake(headers, b"sd.example", ALLOWED)


def test_an_agreement_is_to_the_key_that_was_sent() -> None:
    """The example of RFC 6455 1.3."""
    accept = (b"sec-websocket-accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
    check_agreement("pod:1", [KEY], AnswerHead(101, b"", [accept], "1.1", None))
    with pytest.raises(BadAnswer):
        check_agreement("pod:1", [(KEY[0], b"A" * 22 + b"==")], AnswerHead(101, b"", [accept], "1.1", None))


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("headers", "status", "reason"),
    [
        ({"sec-websocket-version": "8"}, 426, "websocket_version"),
        ({"sec-websocket-key": ""}, 400, "bad_handshake"),
        ({"origin": "https://evil.example"}, 403, "foreign_origin"),
    ],
)
async def test_the_endpoint_refuses_and_asks_no_backend(
    gate: Gatehouse, headers: dict[str, str], status: int, reason: str
) -> None:
    good = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": KEY[1].decode(),
    }
    client = await gate.visit("GET /paint", *(good | headers).items())
    assert (client.status, gate.upstream.asked) == (status, [])
    assert reason.encode() in client.body
    assert (client.header("sec-websocket-version") == "13") is (status == 426)
