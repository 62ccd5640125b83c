"""The cookie takes a visitor back to the pod that knows them: while it works, when it is gone, and under new keys."""

from __future__ import annotations

import os
import secrets
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from tests.doubles.eventually import eventually
from tests.doubles.fault_pod import FaultPod, fault_pods
from tests.system.callers import TXT2IMG, ask, job
from tests.system.promises import NOTHING, broken
from tests.system.running_gateway import RunningGateway, configuration, running_gateway, stand_ins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def visitor(gateway: RunningGateway, *cookies: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser: it keeps the cookies it is given. `cookies`: those it brings."""
    headers = {"Cookie": "; ".join(cookies)} if cookies else {}
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers, trust_env=False, timeout=30) as client:
        yield client


async def paint(client: httpx.AsyncClient, key: str) -> httpx.Response:
    """One picture."""
    answer = await client.post(TXT2IMG, headers={"X-Job": key}, content=b"{}")
    assert answer.status_code == 200
    return answer


def fronting(pods: Sequence[FaultPod], keys: Path | None = None, **told: Any) -> dict[str, Any]:
    session = {"session": {"keys_file": str(keys)}} if keys is not None else {}
    return configuration({"backends": {"static": [pod.url for pod in pods]}, **told}, **session)


def home_of(key: str, pods: Sequence[FaultPod]) -> FaultPod:
    """The pod that was given that job."""
    (pod,) = [pod for pod in pods if any(job.key == key for job in pod.jobs)]
    return pod


async def verdicts(gateway: RunningGateway) -> dict[str, float]:
    """What was found in cookies so far."""
    words = ("none", "valid", "invalid", "expired")
    return {word: await gateway.total("gateway_session_cookies_total", verdict=word) for word in words}


@pytest.mark.parametrize("when_busy", ["wait", "spill"])
async def test_a_visitor_whose_pod_is_busy(when_busy: str, tmp_path: Path) -> None:
    """They wait for it, though another is idle; or are served there, once, and come back."""
    async with fault_pods(2) as pods:
        config = fronting(pods, affinity={"when_busy": when_busy})
        async with running_gateway(tmp_path, config) as gateway, visitor(gateway) as ann:
            await gateway.ready(2)
            assert "sd" in (await paint(ann, "first")).cookies
            home = home_of("first", pods)
            (other,) = [pod for pod in pods if pod is not home]
            home.work = 60
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(paint, ann, "long")
                await eventually(lambda: home.is_working)
                tasks.start_soon(paint, ann, "meanwhile")
                if when_busy == "wait":
                    await gateway.until(lambda view: view["line"]["waiting"] == 1)
                    assert not other.jobs
                else:
                    await eventually(lambda: other.jobs)
                home.work = 0.02
                home.finish()
            answer = await paint(ann, "last")
            assert "set-cookie" not in answer.headers  # home is where it was
            assert home_of("last", pods) is home
            assert home_of("meanwhile", pods) is (home if when_busy == "wait" else other)
            counts = (await gateway.snapshot())["counts"]
            assert (counts["affinity_spills"], counts["affinity_moves"]) == (when_busy == "spill", 0)
            assert all("cookie" not in job.headers for pod in pods for job in pod.jobs)
            assert await broken(gateway, pods, sent=4) == NOTHING


async def test_new_visitors_are_spread_over_the_pods(tmp_path: Path) -> None:
    async with fault_pods(3) as pods, running_gateway(tmp_path, fronting(pods)) as gateway:
        await gateway.ready(3)
        for number in range(6):
            async with visitor(gateway) as someone:
                await paint(someone, f"{number}-first")
                await paint(someone, f"{number}-again")
            assert home_of(f"{number}-first", pods) is home_of(f"{number}-again", pods)
        view = await gateway.snapshot()
        assert [backend["sessions"] for backend in view["backends"]] == [2, 2, 2]
        assert view["sessions_live"] == 6


async def test_a_visitor_whose_pod_is_gone_gets_another_home(tmp_path: Path) -> None:
    pool = {
        "profile": "a1111",
        "backends": stand_ins(tmp_path, boot=0.1, work=0.05),
        "autoscaling": {"min_scale": 2, "max_scale": 2},
        "expose_backend": True,
    }
    async with (
        running_gateway(tmp_path, configuration(pool)) as gateway,
        visitor(gateway) as ann,
    ):
        view = await gateway.ready(2)
        first = await paint(ann, "first")
        home = first.headers["x-backend"]
        assert [(await paint(ann, "again")).headers["x-backend"] for _ in range(3)] == [home] * 3

        (address,) = [backend["address"] for backend in view["backends"] if backend["name"] == home]
        os.kill(gateway.pid_of(address), signal.SIGKILL)
        await gateway.event("process_died")

        moved = await paint(ann, "moved")
        assert "sd" in moved.cookies
        assert moved.cookies["sd"] != first.cookies["sd"]
        stayed = await paint(ann, "stayed")
        assert stayed.headers["x-backend"] == moved.headers["x-backend"]
        assert "set-cookie" not in stayed.headers
        assert (await gateway.snapshot())["counts"]["affinity_moves"] == 1


async def test_sessions_outlive_new_keys_and_a_new_gateway(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    old, new = secrets.token_hex(), secrets.token_hex()
    keys.write_text(f"{old}\n")
    async with fault_pods(3) as pods:
        config = fronting(pods, keys)
        async with running_gateway(tmp_path, config) as gateway, visitor(gateway) as ann:
            await gateway.ready(3)
            cookie = (await paint(ann, "first")).cookies["sd"]
            keys.write_text(f"{new}\n{old}\n")
            gateway.signal(signal.SIGHUP)
            await gateway.event("reloaded")
            await paint(ann, "rotated")
            assert home_of("rotated", pods) is home_of("first", pods)
            async with visitor(gateway) as bob:
                newer = (await paint(bob, "bob")).cookies["sd"]

        keys.write_text(f"{new}\n")
        async with running_gateway(tmp_path, config) as gateway:
            await gateway.ready(3)
            async with visitor(gateway, f"sd={newer}") as bob:
                answer = await paint(bob, "bob again")
                assert home_of("bob again", pods) is home_of("bob", pods)
                assert "set-cookie" not in answer.headers
            async with visitor(gateway, f"sd={cookie}") as ann:  # signed with a key that is no more
                assert "sd" in (await paint(ann, "forgotten")).cookies
            assert await verdicts(gateway) == {"none": 0, "valid": 1, "invalid": 1, "expired": 0}
            assert not gateway.events("session_key_random")


async def test_cookies_that_are_not_ours_count_as_none(tmp_path: Path) -> None:
    async with fault_pods(2) as pods, running_gateway(tmp_path, fronting(pods)) as gateway:
        await gateway.ready(2)
        async with visitor(gateway) as ann:
            cookie = (await paint(ann, "first")).cookies["sd"]
        forged = cookie[:-3] + ("AAA" if cookie[-3:] != "AAA" else "EEE")
        for value in (forged, cookie[:-1], cookie[10:], "", "x" * 5000, "a.b.c.d", "%00", "é"):
            answer = await ask(gateway, job("stranger", f"Cookie: other=1; sd={value}"))
            assert (answer.status, "set-cookie" in answer.fields) == (200, True)
        # The first valid one of several; the pods see the others' cookies, and never ours.
        async with visitor(gateway, f"sd={forged}", f"sd={cookie}", "theme=dark") as ann:
            await paint(ann, "back")
        assert home_of("back", pods) is home_of("first", pods)
        assert {job.headers.get("cookie") for pod in pods for job in pod.jobs} == {None, "other=1", "theme=dark"}
        assert await verdicts(gateway) == {"none": 1, "valid": 1, "invalid": 8, "expired": 0}
        assert all(cookie not in line["target"] for line in await gateway.access(10))
        assert cookie not in gateway.logs()


async def test_a_session_ends_when_its_time_is_over(tmp_path: Path) -> None:
    async with (
        fault_pods(1) as pods,
        running_gateway(tmp_path, fronting(pods, affinity={"ttl": 3})) as gateway,
        visitor(gateway) as ann,
    ):
        await gateway.ready(1)
        cookie = (await paint(ann, "first")).cookies["sd"]
        await paint(ann, "again")
        assert (await gateway.snapshot())["sessions_live"] == 1
        await gateway.until(lambda view: view["sessions_live"] == 0)
        async with visitor(gateway, f"sd={cookie}") as late:
            assert "sd" in (await paint(late, "late")).cookies
        assert (await verdicts(gateway))["expired"] == 1
