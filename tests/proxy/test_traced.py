"""What the endpoint tells of a request on its way, each fact once and in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.doubles.recording_trace import MARK, RecordingTrace
from tests.doubles.scripted_upstream import answering, breaking_off, closing_when_reused, refusing
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


@pytest.fixture
def trace(gate: Gatehouse) -> RecordingTrace:
    trace = RecordingTrace()
    gate.endpoint.arrivals.tracer = trace.begin
    return trace


async def test_a_request_that_does_not_wait(gate: Gatehouse, trace: RecordingTrace) -> None:
    gate.upstream.meets(answering(b"dog"))
    await gate.visit("POST /paint", body=b"a dog")
    assert trace.told == ["POST by http", "dials gpu-1", "dialled", "answers", "ended -- with 200"]
    assert MARK in gate.pod.request.headers


async def test_one_that_waits_from_zero(gate: Gatehouse, trace: RecordingTrace) -> None:
    gate.ready()
    await gate.visit("POST /paint", body=b"a dog")
    gate.upstream.meets(answering(b"dog"))
    gate.ready("gpu-2")
    await gate.settled()
    assert trace.told[1:4] == ["waits, cold", "waited, then holding", "dials gpu-2"]


async def test_one_that_leaves_the_line(gate: Gatehouse, trace: RecordingTrace) -> None:
    await gate.visit("POST /paint")
    del trace.told[:]
    waiting = await gate.visit("POST /paint")
    waiting.leaves()
    await gate.settled()
    assert trace.told == ["POST by http", "waits", "waited, then waiting", "ended CQ with 499"]
    gate.pod.answers(b"dog")
    await gate.settled()


async def test_a_refused_connection_and_another_turn(gate: Gatehouse, trace: RecordingTrace) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(refusing, answering(b"dog"))
    await gate.visit("POST /paint", body=b"a dog")
    assert [told.partition(":")[0] for told in trace.told[1:5]] == ["dials gpu-1", "broke", "dials gpu-2", "dialled"]


async def test_a_turn_that_broke_and_another_one(gate: Gatehouse, trace: RecordingTrace) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(breaking_off, answering(b"dog"))
    await gate.visit("POST /again", body=b"a dog")
    assert [told.partition(":")[0] for told in trace.told[1:5]] == ["dials gpu-1", "dialled", "broke", "dials gpu-2"]
    gate.quarantine()


async def test_an_idle_connection_that_was_just_closing(gate: Gatehouse, trace: RecordingTrace) -> None:
    gate.upstream.meets(closing_when_reused, answering(b"page"))
    await gate.visit("GET /page")
    assert [told.partition(":")[0] for told in trace.told[1:6]] == [
        "dials gpu-1",
        "dialled, reused",
        "broke",
        "dials gpu-1",
        "dialled",
    ]


async def test_one_that_is_answered_here(gate: Gatehouse, trace: RecordingTrace) -> None:
    await gate.visit("GET /", host="nobody.example")
    assert trace.told == ["GET by http", "ended PR with 404"]


async def test_one_that_nobody_follows(gate: Gatehouse, trace: RecordingTrace) -> None:
    theirs = ("traceparent", "theirs"), ("tracestate", "a=1")
    gate.upstream.meets(answering(b"dog"), answering(b"dog"))
    await gate.visit("POST /paint", ("dnt", "1"), *theirs)
    assert (trace.told, gate.pod.header("traceparent"), gate.pod.header("tracestate")) == ([], b"theirs", b"a=1")
    gate.endpoint.arrivals.tracer = None
    await gate.visit("POST /paint", *theirs)
    assert (gate.pod.header("traceparent"), gate.pod.header("tracestate")) == (b"theirs", b"a=1")
