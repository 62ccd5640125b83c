"""Whose a connection is, as a load balancer says."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from structlog.testing import capture_logs

from gateway.server.limits import Limits
from gateway.server.proxy_header import ProxyHeaderReader
from gateway.server.refusals import BAD_PROXY_HEADER, NO_PROXY_HEADER, Refusal, Refused
from tests.server.small_apps import Recorder
from tests.server.traffic_port import traffic_port

pytestmark = pytest.mark.anyio

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def second(command: int, family: int, rest: bytes) -> bytes:
    return b"\r\n\r\n\0\r\nQUIT\n" + bytes((command, family)) + len(rest).to_bytes(2, "big") + rest


V4 = ip_address("192.0.2.7").packed + ip_address("10.0.0.1").packed + b"\x13\x88\x00\x50"
V6 = ip_address("2001:db8::7").packed + ip_address("::1").packed + b"\x13\x88\x00\x50"
MAPPED = ip_address("::ffff:192.0.2.7").packed + ip_address("::1").packed + b"\x13\x88\x00\x50"

GOOD = [
    (b"PROXY TCP4 192.0.2.7 10.0.0.1 5000 80\r\n", ("192.0.2.7", 5000)),
    (b"PROXY TCP6 2001:db8::7 ::1 5000 80\r\n", ("2001:db8::7", 5000)),
    (b"PROXY TCP6 ::ffff:192.0.2.7 ::1 5000 80\r\n", ("192.0.2.7", 5000)),
    (b"PROXY UNKNOWN\r\n", None),
    (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", None),
    (second(0x21, 0x11, V4), ("192.0.2.7", 5000)),
    (second(0x21, 0x21, V6), ("2001:db8::7", 5000)),
    (second(0x21, 0x21, MAPPED), ("192.0.2.7", 5000)),
    (second(0x21, 0x11, V4 + b"\xea\x00\x03\x01ab"), ("192.0.2.7", 5000)),  # as AWS adds the id of an endpoint
    (second(0x20, 0x00, b""), None),  # a health check of its own
    (second(0x20, 0x11, V4), None),
    (second(0x21, 0x31, bytes(216)), None),
]

BAD = [
    (GET, NO_PROXY_HEADER),
    (b"\x16\x03\x01", NO_PROXY_HEADER),
    (b"PROXY TCP4 192.0.2.7\r\n", BAD_PROXY_HEADER),
    (b"PROXY TCP4 192.0.2.777 10.0.0.1 1 2\r\n", BAD_PROXY_HEADER),
    (b"PROXY TCP4 " + b"1" * 120, BAD_PROXY_HEADER),
    (second(0x21, 0x11, V4[:-1]), BAD_PROXY_HEADER),
    (second(0x11, 0x11, V4), BAD_PROXY_HEADER),
    (second(0x22, 0x11, V4), BAD_PROXY_HEADER),
    (second(0x21, 0x11, bytes(4097)), BAD_PROXY_HEADER),
]


@pytest.mark.parametrize(("header", "source"), GOOD)
def test_both_versions_are_read_whole_and_in_pieces(header: bytes, source: tuple[str, int] | None) -> None:
    assert ProxyHeaderReader().feed(header + GET) == (source, GET)
    reader = ProxyHeaderReader()
    assert [reader.feed(header[at : at + 1]) for at in range(len(header) - 1)] == [None] * (len(header) - 1)
    assert reader.feed(header[-1:]) == (source, b"")


@pytest.mark.parametrize(("header", "refusal"), BAD)
def test_nothing_else_is(header: bytes, refusal: Refusal) -> None:
    with pytest.raises(Refused) as refused:
        ProxyHeaderReader().feed(header)
    assert refused.value.refusal is refusal


@pytest.mark.parametrize("pause", [False, True])
async def test_a_trusted_proxy_says_whose_a_connection_is(pause: bool) -> None:
    app = Recorder()
    async with traffic_port(app) as port:
        port.shared.proxy_protocol, port.shared.is_proxy = True, lambda address: address == "127.0.0.1"
        client = await port.dial()
        header = GOOD[0][0]
        if pause:
            await client.send(header[:20])
        assert (await client.ask(header[20:] + GET if pause else header + GET)).status == 200
        assert (await client.ask(GET)).status == 200  # once, at the beginning
        assert [scope["client"] for scope in app.scopes] == [("192.0.2.7", 5000)] * 2


async def test_it_must_say_so_and_nobody_else_may() -> None:
    app = Recorder()
    async with traffic_port(app) as port:
        port.shared.proxy_protocol, port.shared.is_proxy = True, lambda address: address == "127.0.0.1"
        with capture_logs() as log:
            assert (await (await port.dial()).ask(GET)).status == 400
        assert "listen.proxy_protocol" in log[0]["do"]
        port.shared.is_proxy = lambda _: False
        assert (await (await port.dial()).ask(GOOD[0][0] + GET)).status == 400
        assert (port.refused, app.scopes) == (["no_proxy_header", "proxy_header"], [])


async def test_a_client_behind_it_has_its_share_of_the_connections() -> None:
    async with traffic_port(Recorder(), Limits(connections_per_address=1)) as port:
        port.shared.proxy_protocol, port.shared.is_proxy = True, lambda address: address == "127.0.0.1"
        clients = [await port.dial() for _ in range(3)]
        asked = [header + GET for header, _ in (GOOD[0], GOOD[0], GOOD[1])]
        answers = [(await client.ask(request)).status for client, request in zip(clients, asked, strict=True)]
        assert answers == [200, 503, 200]
