"""What a handshake must look like, and what a backend's word on it must look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.proxy.errors import BadHandshake, EdgeError, UnknownVersion
from gateway.proxy.websocket.handshake import check_agreement, check_handshake
from gateway.upstream.errors import BadAnswer
from gateway.upstream.head import AnswerHead

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse

VERSION = (b"sec-websocket-version", b"13")
KEY = (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==")


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
        check_handshake(headers)


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
    assert gate.record.detail.startswith(reason)
    assert (client.header("sec-websocket-version") == "13") is (status == 426)
