"""Bytes: what a client sends is what the pod gets, and what the pod says is what the client gets, of any size."""

from __future__ import annotations

import hashlib
import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.doubles.fault_pod import fault_pods
from tests.system.callers import TXT2IMG, ask, callers, job
from tests.system.promises import NOTHING, broken
from tests.system.running_gateway import configuration, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

_MIB = 1 << 20


@pytest.mark.parametrize("size", [0, 1, 65_537, 5 * _MIB], ids=["nothing", "a byte", "64 KiB", "spooled"])
async def test_bodies_arrive_as_they_were_sent(size: int, tmp_path: Path) -> None:
    """Counted and in chunks; small ones in memory, big ones through a file."""
    body = random.Random(size).randbytes(size)
    expected = hashlib.sha256(body).hexdigest()
    async with (
        fault_pods(1) as pods,
        running_gateway(tmp_path, configuration({"backends": {"static": [pods[0].url]}})) as gateway,
        callers(gateway, 2) as clients,
    ):
        await gateway.ready(1)
        # One after the other: who stands first in line is whose body is here first.
        await clients[0].send(job("counted", behave="digest", body=body))
        assert (await clients[0].answer()).json() == {"job": "counted", "digest": expected}
        await clients[1].send(_in_chunks("chunked", body))
        assert (await clients[1].answer()).json() == {"job": "chunked", "digest": expected}
        assert await broken(gateway, pods, sent=2) == NOTHING
        assert await gateway.total("gateway_request_bytes_total") == 2 * size


def _in_chunks(key: str, body: bytes) -> bytes:
    """A request that does not say how long it is, and has a trailer."""
    lines = (f"POST {TXT2IMG} HTTP/1.1", "Host: sd", f"X-Job: {key}", "X-Behave: digest", "Transfer-Encoding: chunked")
    pieces = [body[at : at + 100_000] for at in range(0, len(body), 100_000)]
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + b"".join(chunks) + b"0\r\nX-Trailer: dropped\r\n\r\n"


async def test_what_is_too_big_is_refused_before_it_is_read(tmp_path: Path) -> None:
    pool: dict[str, Any] = {"max_body": 1000, "queue": {"bytes": 5000, "client_share": 100}}
    async with fault_pods(1, work=60) as (pod,):
        config = configuration({"backends": {"static": [pod.url]}, **pool})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 5) as clients:
            await gateway.ready(1)
            answer = await ask(gateway, job("too big", "Expect: 100-continue", body=b"x" * 1001)[:-1001])
            assert (answer.status, answer.fields["connection"]) == (413, "close")
            for number, client in enumerate(clients):
                await client.send(job(number, body=b"x" * 1000))
            await gateway.until(lambda view: view["line"]["bytes_held"] == 5000)
            full = await ask(gateway, job("no room", body=b"x"))
            assert (full.status, full.json()["reason"]) == (503, "bytes_full")
            pod.work = 0.02
            pod.finish()
            assert [(await client.answer()).status for client in clients] == [200] * 5
            assert await broken(gateway, [pod], sent=7) == NOTHING
