"""Backends that break, hang or talk nonsense: one client learns it, and the pod is left alone until it is done."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.doubles.fault_pod import fault_pods
from tests.doubles.pod_behaviours import BEHAVIOURS
from tests.doubles.stand_in_process import stand_in_process
from tests.system.callers import ask, callers, job, outcomes
from tests.system.promises import NOTHING, broken, is_quiet
from tests.system.running_gateway import configuration, running_gateway, stand_ins

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

#: What its own client gets; 0: not a whole answer.
_GOOD = {
    "well": 200,
    "digest": 200,
    "big": 200,
    "begun": 200,
    "drip": 200,
    "extra_bytes": 200,
    "early": 413,
    "fails": 500,
}
_BAD = {
    "reset_before": 502,
    "close_before": 502,
    "close_after": 502,
    "bad_http": 502,
    "mute": 504,
    "reset_in": 0,
    "close_in": 0,
}


async def test_every_misbehaviour_at_once(tmp_path: Path) -> None:
    assert {*_GOOD, *_BAD, "endless"} == set(BEHAVIOURS)
    expected = {**_GOOD, **_BAD, **{f"well-{number}": 200 for number in range(10)}}
    async with fault_pods(3, work=0.2) as pods:
        pool = {
            "profile": "a1111",
            "backends": {"static": [pod.url for pod in pods]},
            "timeouts": {"response_start": 3},
            "drain_timeout": 0.3,
        }
        async with running_gateway(tmp_path, configuration(pool)) as gateway:
            await gateway.ready(3)
            before = (await gateway.snapshot())["counts"]["quarantines"]  # of pods that were unknown at first
            async with callers(gateway, len(expected)) as clients:
                for name, client in zip(expected, clients, strict=True):
                    await client.send(job(name, behave=name.split("-")[0]))
                found = dict(zip(expected, await outcomes(clients), strict=True))
            assert found == expected
            assert await broken(gateway, pods, sent=len(expected)) == NOTHING
            counts = (await gateway.snapshot())["counts"]
            assert counts["quarantines"] - before == len(_BAD)
            assert counts["quarantines_expired"] == 0  # each ended because the pod said that it is idle


async def test_a_pod_that_cannot_be_asked_is_left_alone_for_as_long_as_configured(tmp_path: Path) -> None:
    async with fault_pods(1, work=0.5) as (pod,):
        pool = {"backends": {"static": [pod.url]}, "quarantine": {"max": 1}}
        async with running_gateway(tmp_path, configuration(pool)) as gateway:
            await gateway.ready(1)
            assert (await ask(gateway, job("broken", behave="reset_before"))).status == 502
            assert pod.is_working
            assert (await ask(gateway, job("next"))).status == 200
            assert await broken(gateway, [pod], sent=2) == NOTHING
            assert (await gateway.snapshot())["counts"]["quarantines_expired"] == 1


async def test_an_answer_without_end_is_cut_though_it_never_pauses(tmp_path: Path) -> None:
    async with fault_pods(1) as (pod,):
        pool = {"backends": {"static": [pod.url]}, "timeouts": {"total": 1}, "drain_timeout": 0.1}
        config = configuration({**pool, "quarantine": {"max": 1}})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 1) as clients:
            await gateway.ready(1)
            await clients[0].send(job("endless", behave="endless"))
            assert await outcomes(clients) == [0]
            assert (await ask(gateway, job("next"))).status == 200
            assert await broken(gateway, [pod], sent=2) == NOTHING
            assert [line["code"] for line in await gateway.access(2)] == ["sD", "--"]


async def test_a_frozen_process_of_ours_is_not_waited_for_but_replaced(tmp_path: Path) -> None:
    pool = {
        "profile": "a1111",
        "backends": stand_ins(tmp_path, boot=0.1, work=0.05, max=1),
        "timeouts": {"response_start": 0.5},
        "drain_timeout": 0.3,
        "quarantine": {"replace_after": 0.5},
    }
    async with running_gateway(tmp_path, configuration(pool)) as gateway:
        assert (await ask(gateway, job("first"))).status == 200
        (frozen,) = (await gateway.snapshot())["backends"]
        os.kill(gateway.pid_of(frozen["address"]), signal.SIGSTOP)
        assert (await ask(gateway, job("frozen"))).status == 504
        assert (await ask(gateway, job("waiting"))).status == 200
        (fresh,) = (await gateway.until(is_quiet))["backends"]
        assert fresh["identity"] != frozen["identity"]
        assert await gateway.total("gateway_requests_total") == 3


async def test_a_frozen_pod_is_believed_again_when_it_says_that_it_is_idle(tmp_path: Path) -> None:
    with stand_in_process("--boot", "0", "--work", "0.3") as pod:
        pool = {
            "profile": "a1111",
            "backends": {"static": [pod.url]},
            "timeouts": {"response_start": 0.5},
            "drain_timeout": 0.3,
        }
        async with running_gateway(tmp_path, configuration(pool)) as gateway, callers(gateway, 1) as (waiting,):
            await gateway.ready(1)
            pod.process.send_signal(signal.SIGSTOP)
            assert (await ask(gateway, job("frozen"))).status == 504
            await waiting.send(job("waiting"))
            await gateway.until(lambda view: view["quarantined"] == 1 and view["line"]["waiting"] == 1)
            pod.process.send_signal(signal.SIGCONT)  # and now it does what it was told before
            assert (await waiting.answer()).status == 200
            await gateway.until(is_quiet)
        stats = pod.stats()
        assert (stats["served"], stats["two_at_once"]) == (2, 0)
