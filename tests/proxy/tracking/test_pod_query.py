"""A pod is asked in passing: bounded, and whatever happens, without an error. Time is virtual."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from gateway.core.records.backends_and_tickets import Backend
from gateway.core.records.listed import BackendState
from gateway.dialogues.dialogue import Reply
from gateway.proxy.tracking.pod_query import PodQuery
from tests.doubles.scripted_upstream import ScriptedUpstream, answering, breaking_off, refusing, talking_nonsense
from tests.doubles.virtual_time import virtual_time_of_asyncio

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


def backend() -> Backend:
    return Backend("gpu-1", "gpu-1:1", "gpu-1", 1, 0, state=BackendState.READY)


async def test_it_gets_a_small_question_and_its_answer_is_cut_to_what_is_wanted() -> None:
    upstream = ScriptedUpstream()
    upstream.meets(answering(b"0123456789", 201), answering(b"0123456789"))
    pod = PodQuery(upstream, backend(), ((b"k-proxy-request", b"activator"),))
    assert await pod.get("/queue", 10) == Reply(201, b"0123456789", whole=True)
    assert await pod.get("/queue", 4) == Reply(200, b"0123", whole=False)
    asked = upstream.exchanges[0]
    assert (asked.request.method, asked.request.target, asked.request.reusable) == (b"GET", b"/queue", True)
    assert (asked.header("host"), asked.header("k-proxy-request")) == (b"gpu-1:1", b"activator")
    assert all(exchange.closed for exchange in upstream.exchanges)


async def test_it_is_asked_below_its_root() -> None:
    upstream = ScriptedUpstream()
    upstream.meets(answering())
    await PodQuery(upstream, backend(), root="/app").get("/queue?a=b", 10)
    assert upstream.exchanges[0].request.target == b"/app/queue?a=b"


@pytest.mark.parametrize("script", [refusing, breaking_off, talking_nonsense])
async def test_whatever_goes_wrong_is_no_answer(script: Any) -> None:
    upstream = ScriptedUpstream()
    upstream.meets(script)
    assert await PodQuery(upstream, backend()).get("/queue", 10) is None


async def test_it_is_not_waited_for_long() -> None:
    upstream = ScriptedUpstream()  # says nothing
    assert await PodQuery(upstream, backend()).get("/queue", 10) is None
    assert (anyio.current_time(), upstream.exchanges[0].closed) == (10, True)


async def test_gone_is_who_has_ended_or_is_listed_no_longer_and_refuses() -> None:
    upstream, listed, left = ScriptedUpstream(), backend(), backend()
    upstream.meets(refusing, refusing, breaking_off)
    pod, other = PodQuery(upstream, listed), PodQuery(upstream, left)
    left.listed = False
    assert not other.gone
    await pod.get("/queue", 1)
    await other.get("/queue", 1)
    assert (pod.gone, other.gone) == (False, True)
    await other.get("/queue", 1)  # it takes connections again
    assert not other.gone
    listed.state = BackendState.GONE
    assert pod.gone
