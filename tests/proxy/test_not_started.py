"""Two answers mean that nothing was started, and no other does."""

from __future__ import annotations

import httpx
import pytest

from gateway.demo.knative.queue_proxy import QueueProxyStandIn
from gateway.demo.knative.serving import served
from gateway.proxy.not_started import may_say_so, says_so
from gateway.upstream.dialer import Dialer
from gateway.upstream.request import UpstreamRequest
from tests.doubles.container import Container

FULL = b"pending request queue full\n"
REFUSED = b"dial tcp 127.0.0.1:8080: connect: connection refused\n"


@pytest.mark.parametrize(
    ("status", "body"),
    [(503, FULL), (503, FULL.strip()), (502, REFUSED), (502, REFUSED.replace(b"127.0.0.1", b"[::1]"))],
)
def test_what_the_queue_proxy_says(status: int, body: bytes) -> None:
    assert may_say_so(status, len(body))
    assert says_so(status, body)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (502, FULL),
        (503, REFUSED),
        (200, FULL),
        (500, REFUSED),
        (503, b"context deadline exceeded\n"),
        (502, b"EOF\n"),
        (502, b"read tcp 127.0.0.1:4711->127.0.0.1:8080: read: connection reset by peer\n"),
        (502, b"dial tcp 10.0.0.7:8080: connect: connection refused\n"),
        (502, b"upstream said: " + REFUSED),
        (502, b"dial tcp 127.0.0.1:8080: i/o timeout\n"),
    ],
)
def test_what_others_say_or_it_says_of_something_else(status: int, body: bytes) -> None:
    assert not says_so(status, body)


@pytest.mark.parametrize(("status", "length"), [(503, None), (503, 0), (503, 81), (502, 1 << 20), (200, 10), (504, 16)])
def test_long_answers_and_others_are_not_held_up(status: int, length: int | None) -> None:
    assert not may_say_so(status, length)


@pytest.mark.anyio
async def test_the_queue_proxys_words_arrive_with_a_length() -> None:
    async with httpx.AsyncClient(trust_env=False) as inside:
        async with served(Container()) as nobody:
            pass
        async with served(QueueProxyStandIn(f"http://{nobody}", inside)) as address:
            dialer = Dialer(connect_timeout=2, idle_reuse=0)
            exchange = await dialer.send(address, UpstreamRequest(b"GET", b"/", [(b"host", b"sd")], None))
            head, body = await exchange.head(), b""
            while not exchange.ended:
                body += await exchange.read()
            assert may_say_so(head.status, head.length)
            assert says_so(head.status, body)
            exchange.close()
            dialer.close()


def test_a_profile_may_know_of_one_more() -> None:
    def too_early(status: int, body: bytes) -> bool:
        return (status, body) == (404, b"no such route")

    assert may_say_so(404, 13, too_early=too_early)
    assert not may_say_so(404, 13)
    assert not may_say_so(404, 1000, too_early=too_early)
    assert says_so(404, b"no such route", too_early=too_early)
    assert not says_so(404, b"Sampler not found", too_early=too_early)
    assert says_so(503, FULL, too_early=too_early)
