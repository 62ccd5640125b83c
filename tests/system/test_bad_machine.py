"""The machine itself: the gateway stands still, its clock is set, its disk is full, nobody reads its log."""

from __future__ import annotations

import os
import signal
import sys
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from tests.doubles.fault_pod import FaultPod, fault_pods
from tests.system.callers import TXT2IMG, ask, callers, job, outcomes
from tests.system.promises import NOTHING, broken
from tests.system.running_gateway import RunningGateway, configuration, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

    from tests.server.raw_client import RawClient

pytestmark = pytest.mark.anyio

_HEALTH = b"GET /.gateway/healthz HTTP/1.1\r\nHost: sd.example\r\n\r\n"
_DAY = 86_400


def fronting(pod: FaultPod, **told: Any) -> dict[str, Any]:
    sections = {"log": told.pop("log")} if "log" in told else {}
    return configuration({"backends": {"static": [pod.url]}, **told}, **sections)


async def send_in_line(gateway: RunningGateway, clients: list[RawClient], *headers: str) -> None:
    """Jobs named by their place, all of them waiting but the first."""
    for number, client in enumerate(clients):
        await client.send(job(number, *headers))
        await gateway.until(lambda view, number=number: view["line"]["waiting"] + view["in_flight"] == number + 1)  # type: ignore[misc]


async def test_it_stands_still_and_everything_happens_at_once(tmp_path: Path) -> None:
    """As under a stop of the machine: the pod has finished, every second client has left, and new ones have come."""
    async with (
        fault_pods(1, work=60) as (pod,),
        running_gateway(tmp_path, fronting(pod)) as gateway,
        callers(gateway, 10) as clients,
        callers(gateway, 5) as others,
    ):
        await gateway.ready(1)
        await send_in_line(gateway, clients)
        gateway.signal(signal.SIGSTOP)
        for client in clients[1::2]:
            client.reset()
        for number, client in enumerate(others):
            await client.send(job(f"new-{number}"))
        pod.work = 0.01
        pod.finish()
        gateway.signal(signal.SIGCONT)
        assert await outcomes([*clients[::2], *others]) == [200] * 10
        served = [each.key for each in pod.jobs]
        assert [key for key in served if key.isdigit()] == [key for key in "0123456789" if key in served]
        assert {*"02468"} <= {*served}
        assert await broken(gateway, [pod], sent=15) == NOTHING


async def test_the_wall_clock_is_set(tmp_path: Path) -> None:
    """Waiting and sessions run on another clock: only dates change."""
    under = (sys.executable, "-m", "tests.doubles.jumping_clock")
    async with (
        fault_pods(1) as (pod,),
        running_gateway(tmp_path, fronting(pod), under=under) as gateway,
        callers(gateway, 3) as clients,
    ):
        await gateway.ready(1)
        async with httpx.AsyncClient(trust_env=False) as browser:
            answer = await browser.post(gateway.url + TXT2IMG, content=b"{}")
        cookie = "Cookie: " + answer.headers["set-cookie"].partition(";")[0]
        pod.work = 60
        await send_in_line(gateway, clients, cookie)
        today = await date(gateway)
        for number, then in ((signal.SIGUSR1, today + _DAY), (signal.SIGUSR2, today - _DAY)):
            gateway.signal(number)
            with anyio.fail_after(5):
                while abs(await date(gateway) - then) > _DAY / 2:
                    pass
        pod.work = 0.01
        pod.finish()
        assert await outcomes(clients) == [200] * 3
        assert (await ask(gateway, job("back", cookie))).status == 200
        assert await broken(gateway, [pod], sent=5) == NOTHING
        assert await gateway.total("gateway_session_cookies_total", verdict="valid") == 4


async def date(gateway: RunningGateway) -> float:
    """What it takes the time to be, in seconds."""
    return parsedate_to_datetime((await ask(gateway, _HEALTH)).fields["date"]).timestamp()


@pytest.mark.parametrize("log", ["/dev/full", "unread"])
async def test_nobody_takes_its_access_lines(log: str, tmp_path: Path) -> None:
    """A disk that is full, or a pipe that nobody reads: lines are lost, requests are not."""
    os.mkfifo(tmp_path / "unread")
    reader = os.open(tmp_path / "unread", os.O_RDONLY | os.O_NONBLOCK)
    long = b"GET /" + b"x" * 500 + b" HTTP/1.1\r\nHost: sd.example\r\n\r\n"
    try:
        async with (
            fault_pods(1) as (pod,),
            running_gateway(
                tmp_path,
                fronting(pod, rules=[{"match": "GET /*", "lane": "exempt"}]),
                under=("sh", "-c", f'exec "$@" > {log}', "sh"),
            ) as gateway,
            callers(gateway, 1) as (client,),
        ):
            await gateway.ready(1)
            for _ in range(200):  # more than a pipe holds
                assert (await client.ask(long)).status == 200
            assert (await ask(gateway, job("work"))).status == 200
            assert await broken(gateway, [pod], sent=201) == NOTHING
            if log == "/dev/full":
                assert await gateway.total("gateway_access_lines_dropped_total") > 0
    finally:
        os.close(reader)


async def test_nobody_takes_its_events(tmp_path: Path) -> None:
    """Its standard error ends in a process that stands still; clients make as many events as they like."""
    copies = 'exec "$@" 2> >(echo $BASHPID > reader.pid; exec cat >> gateway-1.err)'
    async with (
        fault_pods(1) as (pod,),
        running_gateway(
            tmp_path,
            fronting(pod, log={"format": "json", "level": "debug"}),
            under=("bash", "-c", copies, "bash"),
        ) as gateway,
    ):
        await gateway.ready(1)
        reader = int((tmp_path / "reader.pid").read_text())
        os.kill(reader, signal.SIGSTOP)
        try:
            for _ in range(500):  # events of more than a pipe holds
                assert (await ask(gateway, b"GET / HTTP/1.1\r\n\r\n")).status == 400
            assert (await ask(gateway, job("work"))).status == 200
            assert await broken(gateway, [pod], sent=1) == NOTHING
        finally:
            os.kill(reader, signal.SIGCONT)


async def test_no_file_can_grow(tmp_path: Path) -> None:
    """What needs a file is refused, or waits for its reader; everything else is as before."""
    async with (
        fault_pods(1) as (pod,),
        running_gateway(tmp_path, fronting(pod), under=("prlimit", "--fsize=2097152")) as gateway,
        callers(gateway, 1) as (slow,),
    ):
        await gateway.ready(1)
        refused = await ask(gateway, job("large", body=b"x" * (4 << 20)))
        assert (refused.status, "retry-after" in refused.fields) == (503, True)
        await slow.send(job("slow", behave="big"))
        length = int((await slow.head()).fields["content-length"])
        assert len(await slow.read_exactly(length)) == length
        assert (await ask(gateway, job("small"))).status == 200
        assert await broken(gateway, [pod], sent=3) == NOTHING
