"""A request is sent in the very turn of the loop in which its slot is given, where nothing has to be waited for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.decisions import Ending
from gateway.proxy.pool.rules import PodHeaders
from tests.doubles.recording_trace import RecordingTrace
from tests.doubles.virtual_time import virtual_time_of_asyncio
from tests.proxy.gatehouse import PROFILE, reason

if TYPE_CHECKING:
    from tests.doubles.visiting_client import VisitingClient
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


async def second_in_line(gate: Gatehouse) -> VisitingClient:
    """Behind a first that is at work; its connection is there already."""
    await gate.visit("POST /paint")
    gate.upstream.spares.append("gpu-1:1")
    return await gate.visit("POST /paint", body=b"a dog")


async def test_it_goes_out_with_the_last_byte_of_the_one_before(gate: Gatehouse) -> None:
    second = await second_in_line(gate)
    first_pod = gate.pod
    first_pod.answers(b"cat")
    assert gate.pod is not first_pod  # and no task has run since
    await gate.settled()
    gate.pod.answers(b"dog")
    await gate.settled()
    assert (gate.clients[0].body, second.body, gate.pod.received) == (b"cat", b"dog", b"a dog")
    assert (gate.record.ending, gate.record.turns) == (Ending.SERVED, 1)


async def test_without_a_connection_it_goes_out_when_there_is_one(gate: Gatehouse) -> None:
    second = await second_in_line(gate)
    gate.upstream.spares.clear()
    gate.pod.answers()
    assert len(gate.upstream.exchanges) == 1
    await gate.settled()
    gate.pod.answers(b"dog")
    await gate.settled()
    assert second.body == b"dog"


async def test_another_turn_that_comes_at_once_sends_it_once(gate: Gatehouse) -> None:
    await second_in_line(gate)
    gate.pod.answers()
    await gate.settled()
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.spares.append("gpu-2:1")
    gate.pod.answers(b"pending request queue full", 503)
    await gate.settled()
    assert (gate.upstream.asked[1:], gate.pod.broken) == (["gpu-1:1", "gpu-2:1"], False)
    gate.pod.answers(b"dog")
    await gate.settled()
    assert (gate.clients[1].body, gate.record.turns) == (b"dog", 2)


async def test_who_leaves_in_that_turn_of_the_loop_leaves_a_backend_at_work(gate: Gatehouse) -> None:
    second = await second_in_line(gate)
    gate.pod.answers()
    second.leaves()
    await gate.settled()
    assert gate.slot() == "working"
    gate.pod.answers()
    await gate.settled()
    assert (gate.slot(), gate.record.ending) == ("free", Ending.CLIENT_LEFT_BEFORE_ANSWER)


async def test_who_has_left_in_the_same_turn_of_the_loop_gets_no_backend(gate: Gatehouse) -> None:
    second = await second_in_line(gate)
    second.leaves()
    gate.pod.answers()
    await gate.settled()
    assert (len(gate.upstream.exchanges), gate.slot()) == (1, "free")
    assert Ending.CLIENT_LEFT_WAITING in {record.ending for record in gate.records}


async def test_what_was_sent_and_never_relayed_is_broken_off(gate: Gatehouse) -> None:
    await second_in_line(gate)
    gate.pod.answers()
    await gate.is_ended()
    for client in gate.clients:
        client.leaves()
    assert gate.pod.broken
    gate.quarantine()


async def test_nothing_goes_out_when_the_gateway_stops(gate: Gatehouse) -> None:
    second = await second_in_line(gate)
    gate.endpoint.stop()
    gate.pod.answers()
    await gate.settled()
    assert (reason(second), len(gate.upstream.exchanges)) == ((503, "stopping"), 1)


@pytest.mark.parametrize("spares", [["gpu-1:1"], []])
async def test_the_spans_of_a_trace_follow_each_other(gate: Gatehouse, spares: list[str]) -> None:
    trace = RecordingTrace()
    await gate.visit("POST /paint")
    gate.endpoint.arrivals.tracer = trace.begin
    gate.upstream.spares += spares
    await gate.visit("POST /paint")
    gate.pod.answers()
    await gate.settled()
    gate.pod.answers()
    await gate.settled()
    assert [each.partition(" ")[0].strip(",") for each in trace.told] == [
        "POST", "waits", "waited", "dials", "dialled", "answers", "ended",
    ]  # fmt: skip


async def test_a_request_that_must_not_be_written_is_told_in_its_own_task(gate: Gatehouse) -> None:
    """Where it is made in the moment it is sent, for a pod that wants to be called by its address."""
    gate.served.profile = replace(PROFILE, own_host=True)
    await gate.visit("POST /paint")
    gate.upstream.spares.append("gpu-1:1")
    gate.rules(pod_headers=PodHeaders(counted=((b"connection", b"x"),)))
    client = await gate.visit("POST /paint")
    gate.pod.answers()
    await gate.settled()
    assert client.status == 500
    gate.quarantine()
