"""What passes through the gateway does not stay in it: a gigabyte up, a gigabyte down, and one that nobody hurries to
read. On a lane where nothing is spooled."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.doubles.bulk_pod import PIECE, BulkPod, bulk_pod
from tests.system.callers import callers
from tests.system.promises import is_quiet
from tests.system.running_gateway import RunningGateway, configuration, running_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.server.raw_client import RawClient

pytestmark = pytest.mark.anyio

_GIB = 1 << 30

#: KiB by which the peak may be above what it was: a few pieces on their way, and the allocator's mood.
_FLAT = 16 * 1024

#: Bytes that the buffers of four sockets, ours and the kernel's, may hold when nobody reads.
_IN_BUFFERS = 64 << 20


@asynccontextmanager
async def in_front_of(pod: BulkPod, directory: Path) -> AsyncIterator[tuple[RunningGateway, RawClient]]:
    pool = {
        "backends": {"static": [pod.url]},
        "max_body": _GIB,
        "rules": [{"match": "* /*", "lane": "exempt"}],
    }
    async with running_gateway(directory, configuration(pool)) as gateway, callers(gateway, 1) as (client,):
        await gateway.ready(1)
        yield gateway, client


async def test_a_gigabyte_down(tmp_path: Path) -> None:
    async with bulk_pod() as pod, in_front_of(pod, tmp_path) as (gateway, client):
        before = gateway.forget_peak()
        await client.send(b"GET /%d HTTP/1.1\r\nHost: sd\r\n\r\n" % _GIB)
        left = int((await client.head()).fields["content-length"])
        while left:
            left -= len(await client.read_some(len(PIECE)))
        assert gateway.peak - before < _FLAT
        await gateway.until(is_quiet)


async def test_a_gigabyte_up(tmp_path: Path) -> None:
    async with bulk_pod() as pod, in_front_of(pod, tmp_path) as (gateway, client):
        before = gateway.forget_peak()
        await client.send(b"POST / HTTP/1.1\r\nHost: sd\r\nContent-Length: %d\r\n\r\n" % _GIB)
        for _ in range(_GIB // len(PIECE)):
            await client.send(PIECE)
        assert (await client.answer()).status == 200
        assert pod.received == _GIB
        assert gateway.peak - before < _FLAT
        await gateway.until(is_quiet)


async def test_a_reader_of_one_kib_a_second(tmp_path: Path) -> None:
    """For two seconds of it; the pod has long stopped by then, because nobody takes what it says."""
    async with bulk_pod() as pod, in_front_of(pod, tmp_path) as (gateway, client):
        before = gateway.forget_peak()
        await client.send(b"GET /%d HTTP/1.1\r\nHost: sd\r\n\r\n" % _GIB)
        await client.head()
        client.stop_reading()
        sent = -1
        with anyio.fail_after(20):
            while pod.sent != sent:  # until it has said nothing for a second
                sent = pod.sent
                client.read_again()
                await client.read_exactly(1024)
                client.stop_reading()
                await asyncio.sleep(1)
        assert 0 < sent < _IN_BUFFERS
        assert gateway.peak - before < _FLAT
        client.reset()
        await gateway.until(is_quiet)
