"""What lies between the gateway and a pod: attempts to connect that hang, and connections that break at each byte that
matters."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.decisions import Ending
from tests.doubles.fault_pod import fault_pods
from tests.doubles.fault_proxy import Act, Fault, fault_proxy
from tests.doubles.hanging_port import hanging_port
from tests.system.callers import TXT2IMG, ask, callers, job, outcomes
from tests.system.promises import NOTHING, broken
from tests.system.running_gateway import configuration, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

#: When it breaks, by the bytes that passed before; and what the client gets: 0 is not a whole answer.
_PHASES: dict[str, tuple[dict[str, int], int]] = {
    "nothing-sent": ({"said": 0}, 502),
    "in-the-head": ({"said": 30}, 502),
    "no-answer": ({"answered": 0}, 502),
    "in-the-answers-head": ({"answered": 20}, 502),
    "behind-the-answers-head": ({"answered": 39}, 0),
    "before-the-last-byte": ({"answered": 69}, 0),
}


@pytest.mark.parametrize("act", [Act.RESET, Act.CLOSE])
async def test_a_connection_that_breaks_at_any_byte_costs_one_client_its_answer(act: Act, tmp_path: Path) -> None:
    """It was sent once, the pod finishes what it has begun, and whoever is next gets a pod that is idle."""
    async with fault_pods(3, work=0.05) as pods, AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(fault_proxy(pod)) for pod in pods]
        for proxy in proxies:
            proxy.faults = [Fault(act, to=phase.encode(), **place) for phase, (place, _) in _PHASES.items()]
        pool = {"profile": "a1111", "backends": {"static": [proxy.url for proxy in proxies]}}
        async with running_gateway(tmp_path, configuration(pool)) as gateway:
            await gateway.ready(3)
            async with callers(gateway, 2 * len(_PHASES)) as clients:
                for key, client in zip([*_PHASES, *range(len(_PHASES))], clients, strict=True):
                    await client.send(job(key))
                found = dict(zip(_PHASES, await outcomes(clients[: len(_PHASES)]), strict=True))
                assert found == {phase: expected for phase, (_, expected) in _PHASES.items()}
                assert await outcomes(clients[len(_PHASES) :]) == [200] * len(_PHASES)
            assert sum(proxy.struck for proxy in proxies) == len(_PHASES)
            assert await broken(gateway, pods, sent=2 * len(_PHASES)) == NOTHING
            assert await gateway.total("gateway_quarantine_expired_total") == 0


async def test_what_may_be_repeated_is_sent_once_more_to_another(tmp_path: Path) -> None:
    async with fault_pods(2) as pods:
        config = configuration({"profile": "a1111", "backends": {"static": [pod.url for pod in pods]}})
        async with running_gateway(tmp_path, config) as gateway:
            await gateway.ready(2)
            put = job("put", behave="reset_before").replace(b"POST", b"PUT", 1)
            assert (await ask(gateway, put)).status == 502
            assert [len(pod.jobs) for pod in pods] == [1, 1]
            assert (await ask(gateway, job("after"))).status == 200
            assert [line["turns"] for line in await gateway.access(2)] == [2, 1]


async def test_nobody_waits_for_a_pod_at_which_connecting_hangs(tmp_path: Path) -> None:
    async with fault_pods(1) as pods:
        with hanging_port() as absent:
            pool = {
                "backends": {"static": [absent.url, pods[0].url]},
                "timeouts": {"connect": 0.3},
                "readiness": {"period": 60},
            }
            async with running_gateway(tmp_path, configuration(pool)) as gateway, callers(gateway, 6) as clients:
                await gateway.ready(2)
                absent.hang()
                for number, client in enumerate(clients):
                    await client.send(job(number))
                assert await outcomes(clients) == [200] * 6
                assert await gateway.total("gateway_give_backs_total") > 0
                assert (await broken(gateway, pods, sent=6)).sent_twice == 0


async def test_a_pod_that_never_says_that_it_is_ready_is_waited_for_so_long(tmp_path: Path) -> None:
    async with fault_pods(1) as (pod,), fault_proxy(pod) as proxy:
        proxy.faults = [Fault(Act.MUTE, answered=0)]
        pool = {
            "profile": "a1111",
            "backends": {"static": [proxy.url]},
            "readiness": {"timeout": 0.2, "settle": 0},
            "cold_start": {"timeout": 1},
        }
        async with running_gateway(tmp_path, configuration(pool)) as gateway, callers(gateway, 1) as (late,):
            answer = await ask(gateway, job("early"))
            assert (answer.status, answer.json()["reason"]) == (503, "nothing_came_up")
            assert int(answer.fields["retry-after"]) > 0
            await late.send(job("late"))
            proxy.faults = []
            assert (await late.answer()).status == 200
            assert [each.key for each in pod.jobs] == ["late"]
            assert await broken(gateway, [pod], sent=2) == NOTHING


async def test_an_early_answer_reaches_a_client_that_still_uploads(tmp_path: Path) -> None:
    """On a lane where nothing is kept: the pod has said all it will, and the rest of the upload is nobody's."""
    rules: list[Any] = [{"match": "POST /*", "lane": "exempt"}]
    async with fault_pods(1) as (pod,):
        config = configuration({"backends": {"static": [pod.url]}, "rules": rules})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 1) as (client,):
            await gateway.ready(1)
            await client.send(job("early", behave="early", body=b"x" * 1_000_000)[:-999_000])
            answer = await client.answer()
            assert (answer.status, answer.fields["connection"], answer.json()) == (413, "close", {"job": "early"})
            assert await broken(gateway, [pod], sent=1) == NOTHING
            assert await gateway.total("gateway_requests_total", code=Ending.SERVED.value) == 1
            assert TXT2IMG in pod.jobs[0].line
