"""Websockets: bytes pass both ways as they are, whoever ends the tunnel ends it for both, and nothing waits for it."""

from __future__ import annotations

import asyncio
import hashlib
import random
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.doubles.eventually import eventually
from tests.doubles.scripted_server import ScriptedServer, Visit, once
from tests.doubles.websocket_pod import agreeing, echoing, handshake
from tests.system.callers import callers
from tests.system.promises import is_quiet
from tests.system.running_gateway import configuration, processes, running_gateway, write_config

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.server.raw_client import RawClient

pytestmark = pytest.mark.anyio

_MIB = 1 << 20


def fronting(pod: ScriptedServer, **options: Any) -> dict[str, Any]:
    stop = options.pop("stop", {"grace": 2})
    return configuration({"backends": {"static": [f"http://{pod.address}"]}, **options}, stop=stop)


async def opened(client: RawClient, path: str = "/live") -> None:
    await client.send(handshake(path))
    head = await client.head()
    assert (head.status, head.fields["upgrade"]) == (101, "websocket")


async def test_bytes_pass_both_ways_and_the_first_are_not_lost(tmp_path: Path) -> None:
    async with (
        ScriptedServer(agreeing(echoing, behind=b"welcome, ")) as pod,
        running_gateway(tmp_path, fronting(pod)) as gateway,
        callers(gateway, 1) as (client,),
    ):
        await gateway.ready(1)
        await client.send(handshake() + b"early, ")
        head = await client.head()
        assert head.status == 101
        assert "set-cookie" in head.fields
        await client.send(b"late")
        assert await client.read_exactly(20) == b"welcome, early, late"
        assert (await gateway.snapshot())["in_flight"] == 1
        client.half_close()
        assert await client.rest() == b""
        await gateway.until(is_quiet)
        (line,) = await gateway.access(1)
        assert (line["status"], line["code"], line["bytes_in"], line["bytes_out"]) == (101, "CD", 11, 20)


async def test_a_half_close_lets_the_rest_of_the_other_way_through(tmp_path: Path) -> None:
    """5 MB each way, of which none comes back before all was sent."""
    body = random.Random(5).randbytes(5 * _MIB)

    async def answering_at_the_end(visit: Visit) -> None:
        await visit.send(await visit.rest())

    async with (
        ScriptedServer(agreeing(answering_at_the_end)) as pod,
        running_gateway(tmp_path, fronting(pod)) as gateway,
        callers(gateway, 1) as (client,),
    ):
        await gateway.ready(1)
        await opened(client)
        await client.send(body)
        client.half_close()
        assert hashlib.sha256(await client.rest()).digest() == hashlib.sha256(body).digest()
        await gateway.until(is_quiet)


async def test_a_slow_reader_on_either_side_costs_no_memory(tmp_path: Path) -> None:
    size = 32 * _MIB
    sent = 0
    goes_on = asyncio.Event()
    received = 0

    async def pouring(visit: Visit) -> None:
        """Reads nothing until told; pours out all it has meanwhile."""
        nonlocal sent, received
        while sent < size:
            await visit.send(bytes(_MIB))
            sent += _MIB
        await goes_on.wait()
        while piece := await visit.some():
            received += len(piece)

    async with (
        ScriptedServer(agreeing(pouring)) as pod,
        running_gateway(tmp_path, fronting(pod)) as gateway,
        callers(gateway, 1) as (client,),
    ):
        await gateway.ready(1)
        await opened(client)
        before = await gateway.total("process_resident_memory_bytes")
        client.stop_reading()
        sending = asyncio.create_task(client.send(bytes(size)))
        await _settled(lambda: sent)
        assert (sent < size, sending.done()) == (True, False)
        assert await gateway.total("process_resident_memory_bytes") - before < 8 * _MIB
        client.read_again()
        assert len(await client.read_exactly(size)) == size
        goes_on.set()
        await sending
        client.half_close()
        assert await client.rest() == b""
        assert received == size
        assert await gateway.total("process_resident_memory_bytes") - before < 8 * _MIB


async def _settled(count: Any) -> None:
    """It has not changed for half a second."""
    counts: list[int] = []

    def is_still() -> bool:
        counts.append(count())
        return len(counts) > 25 and len(set(counts[-25:])) == 1

    await eventually(is_still)


async def test_a_reset_by_the_client_ends_it_for_the_pod(tmp_path: Path) -> None:
    ends: list[bytes] = []

    async def waiting(visit: Visit) -> None:
        ends.append(await visit.rest())

    async with (
        ScriptedServer(agreeing(waiting)) as pod,
        running_gateway(tmp_path, fronting(pod)) as gateway,
        callers(gateway, 1) as (client,),
    ):
        await gateway.ready(1)
        await opened(client)
        client.reset()
        await eventually(lambda: ends == [b""])
        await gateway.until(is_quiet)
        assert [line["code"] for line in await gateway.access(1)] == ["CD"]


async def test_a_reset_by_the_pod_is_one_for_the_client(tmp_path: Path) -> None:
    async def breaking(visit: Visit) -> None:
        await visit.some()
        visit.reset()

    async with (
        ScriptedServer(agreeing(breaking)) as pod,
        running_gateway(tmp_path, fronting(pod)) as gateway,
        callers(gateway, 1) as (client,),
    ):
        await gateway.ready(1)
        await opened(client)
        await client.send(b"x")
        with pytest.raises(ConnectionResetError):
            await client.rest()
        await gateway.until(lambda view: (view["in_flight"], view["quarantined"]) == (0, 1))
        assert [line["code"] for line in await gateway.access(1)] == ["SD"]


async def test_a_pod_that_says_no_websocket_gives_an_answer(tmp_path: Path) -> None:
    """And what the client sent in the hope of a tunnel is no request."""
    async with (
        ScriptedServer(once(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno")) as pod,
        running_gateway(tmp_path, fronting(pod)) as gateway,
        callers(gateway, 1) as (client,),
    ):
        await gateway.ready(1)
        seen = len(pod.visits)  # probes
        answer = await client.ask(handshake() + handshake("/smuggled"))
        assert (answer.status, answer.body, answer.fields["connection"]) == (200, b"no", "close")
        assert await client.rest() == b""
        assert [visit.requests[0].lines[0] for visit in pod.visits[seen:] if visit.requests] == [b"GET /live HTTP/1.1"]


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        (None, 101),
        ("http://sd.example", 101),
        ("https://sd.example", 101),
        ("https://ui.example", 101),
        ("https://evil.example", 403),
        ("http://sd.example:8080", 101),
        ("http://sd.example.evil:8080", 403),
        ("null", 403),
    ],
)
async def test_only_pages_of_known_origins(origin: str | None, status: int, tmp_path: Path) -> None:
    async with (
        ScriptedServer(agreeing(echoing)) as pod,
        running_gateway(tmp_path, fronting(pod, allowed_origins=["https://ui.example"])) as gateway,
        callers(gateway, 1) as (client,),
    ):
        await gateway.ready(1)
        await client.send(handshake("/live", *([f"Origin: {origin}"] if origin else [])))
        assert (await client.head()).status == status


@pytest.mark.parametrize("lane", ["counted", "exempt"])
async def test_an_open_one_does_not_hold_the_gateway_up_beyond_its_grace(lane: str, tmp_path: Path) -> None:
    config_rules = [{"match": "GET /live", "lane": lane}]
    async with (
        ScriptedServer(agreeing(echoing)) as pod,
        running_gateway(tmp_path, fronting(pod, rules=config_rules, stop={"grace": 1})) as gateway,
        callers(gateway, 1) as (client,),
    ):
        await gateway.ready(1)
        await opened(client)
        gateway.signal(signal.SIGTERM)
        await gateway.event("stopping")
        await client.send(b"within the grace")
        assert await client.read_exactly(16) == b"within the grace"
        with pytest.raises(ConnectionResetError):
            await client.rest()
        assert await gateway.ended(within=5) == 0
        assert gateway.events("stopped")[0]["in_good_order"]
        assert [line["code"] for line in await gateway.access(1)] == ["KD"]


async def test_an_open_page_does_not_keep_a_pod_up(tmp_path: Path) -> None:
    backends = processes(tmp_path, "{python}", "-m", "tests.doubles.websocket_pod", "--port", "{port}")
    pool = {
        "backends": backends,
        "rules": [{"match": "GET /live", "lane": "exempt"}],
        "autoscaling": {"min_scale": 1, "max_scale": 1, "window": 6},
    }
    async with running_gateway(tmp_path, configuration(pool)) as gateway, callers(gateway, 1) as (client,):
        await gateway.ready(1)
        await opened(client)
        await client.send(b"hello")
        assert await client.read_exactly(5) == b"hello"
        write_config(tmp_path, configuration({**pool, "autoscaling": {"min_scale": 0, "max_scale": 1, "window": 6}}))
        gateway.signal(signal.SIGHUP)
        await gateway.event("reloaded")
        await gateway.event("process_stopped", within=30)
        assert await client.rest() == b""
        await gateway.until(lambda view: not view["backends"])


async def test_a_peer_that_vanished_is_asked_for(tmp_path: Path) -> None:
    """Nothing of ours times a silent tunnel out: the kernel does, and only where nobody answers any more."""
    async with (
        ScriptedServer(agreeing(echoing)) as pod,
        running_gateway(tmp_path, fronting(pod)) as gateway,
        callers(gateway, 1) as (client,),
    ):
        await gateway.ready(1)
        await opened(client)
        traffic, at_pod = f":{gateway.traffic[1]:04X}", f":{int(pod.address.rpartition(':')[2]):04X}"

        def is_meant(local: str, remote: str) -> bool:
            return local.endswith(traffic) or remote.endswith(at_pod)

        # What was sent last may not be acknowledged yet: then that is what its timer waits for.
        await eventually(lambda: _asked_for(is_meant) == [True] * 2)


def _asked_for(is_meant: Callable[[str, str], bool]) -> list[bool]:
    """Of the established connections that are meant: whether the kernel's keep-alive timer runs (proc(5), `tr`)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [row[5].startswith("02:") for row in rows if row[3] == "01" and is_meant(row[1], row[2])]
