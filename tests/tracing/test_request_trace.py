"""The spans of requests, on virtual time: what they show of a request's way, and that they leave no gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from opentelemetry.trace import SpanKind

from tests.doubles.kept_spans import KeptSpans, error, events, said
from tests.doubles.scripted_upstream import answering, breaking_off, refusing
from tests.doubles.virtual_time import virtual_time_of_asyncio
from tests.proxy.gatehouse import Gatehouse, open_gatehouse

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


@pytest.fixture
async def gate(anyio_backend: object) -> AsyncIterator[Gatehouse]:
    async with open_gatehouse() as gate:
        yield gate


@pytest.fixture
def spans(gate: Gatehouse) -> KeptSpans:
    return traced(gate)


def traced(gate: Gatehouse, sample: float = 1.0) -> KeptSpans:
    spans = KeptSpans(anyio.current_time, sample)
    gate.endpoint.arrivals.tracer = spans.tracer
    return spans


async def test_a_request_that_waits_leaves_no_gap(gate: Gatehouse, spans: KeptSpans) -> None:
    began = anyio.current_time()
    await gate.visit("POST /paint", body=b"first")
    first = gate.pod
    gate.upstream.otherwise = answering(b"dog")
    await gate.visit("POST /paint", gate.cookie(), body=b"second")
    await gate.passes(7)
    first.begins(length=5)
    await gate.passes(1)
    first.gives(b"a dog")
    first.ends()
    await gate.settled()
    seen = [(name, start - began, end - began) for name, start, end in spans.times()]
    assert seen == [
        ("dial", 0, 0),
        ("wait", 0, 8),
        ("response", 0, 8),
        ("POST", 0, 8),
        ("dial", 8, 8),
        ("response", 8, 8),
        ("POST", 0, 8),
    ]


async def test_stages_are_children_and_say_what_they_know(gate: Gatehouse, spans: KeptSpans) -> None:
    await gate.visit("POST /paint", body=b"first")
    await gate.visit("POST /paint", gate.cookie(), body=b"second")
    gate.pod.answers(b"dog")
    await gate.settled()
    gate.pod.answers(b"dog")
    await gate.settled()
    _, whole = spans.named("POST")
    (wait,), dial, response = spans.named("wait"), spans.named("dial")[1], spans.named("response")[1]
    assert whole.context is not None
    assert whole.kind is SpanKind.SERVER
    for stage in (wait, dial, response):
        assert stage.parent is not None
        assert (stage.parent.span_id, stage.parent.trace_id) == (whole.context.span_id, whole.context.trace_id)
    assert said(whole)["gateway.session"] == gate.record.session
    assert said(wait) == {"gateway.place": 1, "gateway.receipt": gate.record.receipt}
    assert said(dial) == {"gateway.backend": "gpu-1", "gateway.reused": False}
    assert [name for name, _ in events(response)] == ["first_byte"]
    assert [error(span) for span in spans.all] == [None] * len(spans.all)


async def test_a_cold_start_shows_when_there_was_nobody_and_when_there_was(gate: Gatehouse, spans: KeptSpans) -> None:
    gate.ready()
    began = anyio.current_time()
    await gate.visit("POST /paint", body=b"a dog")
    await gate.passes(5)
    gate.upstream.meets(answering(b"dog"))
    gate.ready("gpu-2")
    await gate.settled()
    (wait,) = spans.named("wait")
    assert [(name, at - began) for name, at in events(wait)] == [("cold_start", 0), ("backend_ready", 5)]


async def test_a_client_s_trace_goes_on_in_ours_and_ours_in_the_backend_s(gate: Gatehouse, spans: KeptSpans) -> None:
    gate.upstream.meets(answering(b"dog"))
    await gate.visit("POST /paint", ("traceparent", f"00-{TRACE}-{SPAN}-01"), ("tracestate", "a=1"), body=b"a dog")
    (whole,) = spans.named("POST")
    assert whole.parent is not None
    assert whole.context is not None
    assert (f"{whole.parent.trace_id:032x}", f"{whole.parent.span_id:016x}") == (TRACE, SPAN)
    assert gate.pod.header("traceparent") == f"00-{TRACE}-{whole.context.span_id:016x}-01".encode()
    assert gate.pod.header("tracestate") == b"a=1"
    assert [name for name, _ in gate.pod.request.headers].count(b"traceparent") == 1


async def test_what_the_client_does_not_record_is_its_own(gate: Gatehouse, spans: KeptSpans) -> None:
    theirs = f"00-{TRACE}-{SPAN}-00"
    gate.upstream.meets(answering(b"dog"))
    await gate.visit("POST /paint", ("traceparent", theirs), body=b"a dog")
    assert (spans.all, gate.pod.header("traceparent")) == ((), theirs.encode())


async def test_a_backend_hears_that_a_trace_is_not_recorded(gate: Gatehouse) -> None:
    spans = traced(gate, sample=0.0)
    gate.upstream.meets(answering(b"dog"), answering(b"dog"))
    await gate.visit("POST /paint", body=b"a dog")
    told = gate.pod.header("traceparent")
    assert told is not None
    assert (spans.all, int(told[-2:], 16) & 1) == ((), 0)
    await gate.visit("POST /paint", ("traceparent", f"00-{TRACE}-{SPAN}-01"), body=b"a dog")
    assert len(spans.named("POST")) == 1  # its client records it


async def test_each_turn_has_stages_of_its_own(gate: Gatehouse, spans: KeptSpans) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(refusing, answering(b"dog"))
    await gate.visit("POST /paint", body=b"a dog")
    assert [(said(dial)["gateway.backend"], error(dial)) for dial in spans.named("dial")] == [
        ("gpu-1", "gpu-1:1: Connection refused"),
        ("gpu-2", None),
    ]
    (whole,) = spans.named("POST")
    assert (error(whole), said(whole)["gateway.turns"]) == (None, 2)


async def test_a_turn_that_broke_is_an_error_of_that_turn(gate: Gatehouse, spans: KeptSpans) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(breaking_off, answering(b"dog"))
    await gate.visit("POST /again", body=b"a dog")
    assert [error(span) for span in spans.named("response")] == ["gpu-1:1: as scripted", None]
    assert [error(span) for span in spans.named("POST")] == [None]
    gate.quarantine()


async def test_what_ends_a_request_is_an_error_of_its_last_stage(gate: Gatehouse, spans: KeptSpans) -> None:
    gate.upstream.meets(breaking_off)
    await gate.visit("POST /paint", body=b"a dog")
    (response,), (whole,) = spans.named("response"), spans.named("POST")
    assert error(response) == error(whole) == "gpu-1:1: as scripted"
    assert said(response)["error.type"] == said(whole)["error.type"] == "backend_broke_before_answer"
    gate.quarantine()


async def test_who_waits_too_long_is_told_so_and_so_is_the_span(gate: Gatehouse, spans: KeptSpans) -> None:
    gate.policy(queue_timeout=30)
    await gate.visit("POST /paint")
    await gate.visit("POST /paint")
    await gate.passes(31)
    (wait,) = spans.named("wait")
    assert (error(wait), events(wait)) == ("waited_too_long", [])
    gate.pod.answers(b"dog")
    await gate.settled()


async def test_who_leaves_is_no_error(gate: Gatehouse, spans: KeptSpans) -> None:
    await gate.visit("POST /paint")
    waiting = await gate.visit("POST /paint")
    waiting.leaves()
    await gate.settled()
    (wait,), (whole,) = spans.named("wait"), spans.named("POST")
    assert (error(wait), error(whole), said(whole)["gateway.code"]) == (None, None, "CQ")
    gate.pod.answers(b"dog")
    await gate.settled()


async def test_a_request_that_is_answered_here_has_no_stages(gate: Gatehouse, spans: KeptSpans) -> None:
    await gate.visit("GET /", host="nobody.example")
    assert [span.name for span in spans.all] == ["GET"]
