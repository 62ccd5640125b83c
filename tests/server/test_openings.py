"""What else than HTTP/1.1 is known when it comes."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from tests.server.small_apps import hello
from tests.server.traffic_port import traffic_port

pytestmark = pytest.mark.anyio

TLS = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64)


@pytest.mark.parametrize(
    ("opening", "reason", "setting"),
    [
        (TLS, "tls", "TLS"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "http2", "HTTP/1.1"),
        (b"PROXY TCP4 192.0.2.1 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\n", "proxy_header", "listen.proxy_protocol"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c" + bytes(12), "proxy_header", "listen.proxy_protocol"),
        (b"SSH-2.0-x\r\n", "malformed", "stranger"),
    ],
)
async def test_what_is_not_spoken_here_is_answered_and_said(opening: bytes, reason: str, setting: str) -> None:
    async with traffic_port(hello) as port:
        with capture_logs() as log:
            client = await port.dial()
            answer = await client.ask(opening)
        assert (answer.status, port.refused) == (400, [reason])
        [line] = log
        assert (line["event"], line["reason"], line["peer"], line["log_level"]) == (
            "request_refused",
            reason,
            "127.0.0.1",
            "warning",
        )
        assert setting in line["do"]
        assert line["request_id"] == answer.fields["x-request-id"]
