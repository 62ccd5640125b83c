"""Traces: what a collector gets of requests, what pods get of traces, and what is there when nobody asked for any."""

from __future__ import annotations

import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.doubles.collector import Collector
from tests.doubles.fault_pod import FaultPod, fault_pods
from tests.system.callers import ask, callers, job
from tests.system.running_gateway import configuration, running_gateway

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = pytest.mark.anyio

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
THEIRS = f"00-{TRACE}-{SPAN}-01"

#: Seconds in a nanosecond.
_NANO = 1e-9


def fronting(pods: Sequence[FaultPod], **sections: Any) -> dict[str, Any]:
    static = [pod.url for pod in pods]
    pool = {"backends": {"static": static}, "balancing": "first_available", "readiness": {"period": 60}}
    return configuration(pool, **sections)


async def test_a_request_that_is_held_is_one_trace(tmp_path: Path) -> None:
    with Collector() as collector:
        async with (
            fault_pods(1, work=60) as (pod,),
            running_gateway(tmp_path, fronting([pod], tracing={"endpoint": collector.url})) as gateway,
            callers(gateway, 2) as (first, held),
        ):
            await gateway.ready(1)
            await first.send(job("first"))
            await gateway.until(lambda view: view["in_flight"] == 1)
            await held.send(job("held", f"traceparent: {THEIRS}", "tracestate: a=1", "Cookie: secret=1"))
            await gateway.until(lambda view: view["line"]["waiting"] == 1)
            pod.work = 0.01
            pod.finish()
            assert [(await client.answer()).status for client in (first, held)] == [200, 200]
            gateway.signal(signal.SIGTERM)
            assert await gateway.ended() == 0
            access = next(line for line in await gateway.access(2) if line["place"])
        (whole,) = [span for span in collector.named("POST") if span.trace == TRACE]
        stages = sorted((span for span in collector.spans if span.parent == whole.id), key=lambda span: span.began)
        wait, dial, response = stages
        assert [stage.name for stage in stages] == ["wait", "dial", "response"]
        assert all(whole.holds(stage) for stage in stages)
        assert wait.ended <= dial.began <= dial.ended == response.began
        assert response.ended == whole.ended
        assert sum(stage.ended - stage.began for stage in stages) <= whole.ended - whole.began
        assert (wait.ended - wait.began) * _NANO == pytest.approx(access["wait"], abs=0.1)
        assert (whole.ended - whole.began) * _NANO == pytest.approx(access["total"], abs=2e-6)
        assert wait.said == {"gateway.place": 1, "gateway.receipt": access["receipt"]}
        assert response.began <= response.events["first_byte"] <= response.ended
        assert {name: whole.said[f"gateway.{name}"] for name in ("request_id", "pool", "lane", "backend", "code")} == {
            name: access[name] for name in ("request_id", "pool", "lane", "backend", "code")
        }
        assert whole.parent == SPAN
        assert not any("secret" in str(value) for span in collector.spans for value in span.said.values())
        (seen,) = [job.headers for job in pod.jobs if job.key == "held"]
        assert (seen["traceparent"], seen["tracestate"]) == (f"00-{TRACE}-{whole.id}-01", "a=1")


async def test_a_pod_that_refuses_is_a_dial_of_its_own(tmp_path: Path) -> None:
    with Collector() as collector:
        async with (
            fault_pods(2) as pods,
            running_gateway(tmp_path, fronting(pods, tracing={"endpoint": collector.url})) as gateway,
        ):
            await gateway.ready(2)
            pods[0].refuse()
            assert (await ask(gateway, job("a dog"))).status == 200
        (whole,) = collector.named("POST")
        refused, taken = collector.named("dial")
        assert whole.holds(refused)
        assert whole.holds(taken)
        assert refused.error is not None
        assert "refused" in refused.error
        assert (taken.error, whole.error, whole.said["gateway.turns"]) == (None, None, 2)


async def test_a_cold_start_shows_in_the_wait(tmp_path: Path) -> None:
    pod = FaultPod()
    pod.bind()
    with Collector() as collector:
        config = configuration({"backends": {"static": [pod.url]}}, tracing={"endpoint": collector.url})
        async with running_gateway(tmp_path, config) as gateway, callers(gateway, 1) as (client,):
            await client.send(job("a dog"))
            await gateway.until(lambda view: view["line"]["waiting"] == 1)
            await pod.open()
            assert (await client.answer()).status == 200
        await pod.close()
        (wait,) = collector.named("wait")
        assert wait.began == wait.events["cold_start"] < wait.events["backend_ready"] <= wait.ended


async def test_a_collector_that_is_not_there_is_a_warning_and_nothing_else(tmp_path: Path) -> None:
    nobody = FaultPod()
    nobody.bind()
    environ = {"OTEL_BSP_SCHEDULE_DELAY": "10", "OTEL_EXPORTER_OTLP_TIMEOUT": "0.1"}
    async with (
        fault_pods(1) as pods,
        running_gateway(tmp_path, fronting(pods, tracing={"endpoint": nobody.url}), environ=environ) as gateway,
    ):
        await gateway.ready(1)
        for key in range(5):
            assert (await ask(gateway, job(key))).status == 200
        trouble = await gateway.event("tracing_trouble")
        assert trouble["level"] == "warning"
        assert (await ask(gateway, job("later"))).status == 200
        gateway.signal(signal.SIGTERM)
        assert await gateway.ended() == 0
        assert [event["event"] for event in gateway.events() if event["level"] not in ("info", "debug")] == [
            "session_key_random",
            "tracing_trouble",
        ]
    await nobody.close()


@pytest.mark.parametrize("is_traced", [False, True], ids=["off", "on"])
async def test_what_is_imported(is_traced: bool, tmp_path: Path) -> None:
    file = tmp_path / "modules"
    under = (sys.executable, "-m", "tests.doubles.telling_modules", str(file))
    with Collector() as collector:
        sections = {"tracing": {"endpoint": collector.url}} if is_traced else {}
        async with (
            fault_pods(1) as pods,
            running_gateway(tmp_path, fronting(pods, **sections), under=under) as gateway,
        ):
            await gateway.ready(1)
            assert (await ask(gateway, job("a dog", f"traceparent: {THEIRS}", "tracestate: a=1"))).status == 200
        (seen,) = [job.headers for job in pods[0].jobs]
    theirs = (seen["traceparent"], seen["tracestate"]) == (THEIRS, "a=1")
    loaded = {module.partition(".")[0] for module in file.read_text().splitlines()}
    assert "gateway" in loaded
    assert (theirs, "opentelemetry" in loaded) == (not is_traced, is_traced)
