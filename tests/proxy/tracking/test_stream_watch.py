"""Gradio's events keep their slot until their stream tells of their end, in front of scripted pods. Time is virtual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.decisions import Ending
from gateway.profiles.registry import profile
from tests.doubles.scripted_upstream import answering, hanging
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from tests.doubles.scripted_upstream import ScriptedExchange
    from tests.doubles.visiting_client import VisitingClient
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

SSE = ((b"content-type", b"text/event-stream; charset=utf-8"),)
DONE = b'data: {"msg": "process_completed", "event_id": "e-1"}\n\n'


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


@pytest.fixture(autouse=True)
def gradio(gate: Gatehouse) -> None:
    gate.served.profile = profile("gradio")
    gate.upstream.otherwise = answering(b"there")


async def joins(gate: Gatehouse, session: str, event: str) -> VisitingClient:
    gate.upstream.meets(answering(b'{"event_id": "%s"}' % event.encode()))
    return await gate.visit(
        "POST /gradio_api/queue/join", body=b'{"data": [], "session_hash": "%s"}' % session.encode()
    )


async def streams(gate: Gatehouse, target: str) -> tuple[VisitingClient, ScriptedExchange]:
    gate.upstream.meets(hanging)
    client = await gate.visit(f"GET /gradio_api{target}", ("accept-encoding", "gzip"))
    pod = gate.pod
    pod.begins(200, SSE)
    await gate.settled()
    return client, pod


async def test_the_next_event_waits_for_the_end_of_this_one(gate: Gatehouse) -> None:
    first = await joins(gate, "s-1", "e-1")
    assert (first.body, first.has_all, gate.slot()) == (b'{"event_id": "e-1"}', True, "working")
    second = await gate.visit("POST /gradio_api/queue/join", body=b'{"session_hash": "s-2"}')
    page, pod = await streams(gate, "/queue/data?session_hash=s-1")
    assert pod.header("accept-encoding") is None
    await gate.passes(60)
    assert (second.status, gate.waiting) == (None, 1)
    gate.upstream.meets(answering(b"full", 503))
    pod.gives(DONE)
    await gate.settled()
    assert (page.body, second.status, gate.slot()) == (DONE, 503, "free")
    pod.ends()
    await gate.settled()
    assert page.has_all


async def test_it_does_so_however_its_route_is_spelled(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b'{"event_id": "e-1"}'))
    await gate.visit("POST /gradio%5Fapi/%71ueue/join", body=b'{"session_hash": "s-1"}')
    assert (gate.pod.request.target, gate.slot()) == (b"/gradio%5Fapi/%71ueue/join", "working")
    _, pod = await streams(gate, "/queue/data?session_hash=s-1")
    pod.gives(DONE)
    pod.ends()
    await gate.settled()
    assert gate.slot() == "free"


async def test_one_that_gave_the_page_nothing_may_have_queued_its_work(gate: Gatehouse) -> None:
    """As agent-scheduler's Enqueue does on Forge's page. Where the pod can be asked, it is."""
    gate.policy(can_ask=True)
    await joins(gate, "s-1", "e-1")
    page, pod = await streams(gate, "/queue/data?session_hash=s-1")
    pod.gives(DONE.replace(b"}", b', "output": {"data": []}}'))
    await gate.settled()
    assert gate.why_quarantined() == "may go on"
    gate.driver.release("gpu-1")
    pod.ends()
    await gate.settled()
    assert page.has_all


async def test_a_page_that_is_closed_leaves_its_function_at_work_and_the_gateway_listens(gate: Gatehouse) -> None:
    await joins(gate, "s-1", "e-1")
    page, pod = await streams(gate, "/queue/data?session_hash=s-1")
    page.leaves()
    await gate.passes(60)
    assert (gate.slot(), pod.closed) == ("working", False)
    pod.gives(DONE)
    await gate.settled()
    assert (gate.slot(), pod.closed) == ("free", True)
    assert {record.ending for record in gate.records} == {Ending.SERVED, Ending.CLIENT_LEFT_IN_ANSWER}


async def test_one_that_leaves_nothing_at_work_is_closed_at_once(gate: Gatehouse) -> None:
    page, pod = await streams(gate, "/queue/data?session_hash=s-1")
    page.leaves()
    await gate.settled()
    assert pod.closed


@pytest.mark.parametrize("how", ["breaks", "stops"])
async def test_a_stream_that_ends_without_a_word_leaves_the_slot_to_the_time(gate: Gatehouse, how: str) -> None:
    gate.rules(total=100)
    await joins(gate, "s-1", "e-1")
    page, pod = await streams(gate, "/queue/data?session_hash=s-1")
    page.leaves()
    await gate.settled()
    if how == "breaks":
        pod.breaks_off()
        await gate.passes(50)
        assert gate.slot() == "working"
        await gate.passes(50)
    else:
        await gate.stops()
    assert (gate.slot(), pod.closed) == ("quarantined", True)
    gate.quarantine()


async def test_a_call_without_cookies_finds_its_event_and_ends_with_its_stream(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(answering(b'{"event_id": "e-1"}'))
    await gate.visit("POST /gradio_api/call/paint", body=b'{"data": []}')
    where = gate.pod.address
    _, pod = await streams(gate, "/call/paint/e-1")
    assert (pod.address, gate.driver.pool.in_flight) == (where, 1)
    pod.gives(b"event: complete\ndata: []\n\n")
    pod.ends()
    await gate.settled()
    assert gate.driver.pool.in_flight == 0


async def test_an_error_in_a_streams_place_is_not_listened_to(gate: Gatehouse) -> None:
    await joins(gate, "s-1", "e-1")
    gate.upstream.meets(answering(DONE, 404))
    await gate.visit("GET /gradio_api/queue/data?session_hash=s-1")
    assert gate.slot() == "working"
    _, pod = await streams(gate, "/queue/data?session_hash=s-1")
    pod.gives(DONE)
    pod.ends()
    await gate.settled()
    assert gate.slot() == "free"


MCP = "93c75c30e5034f849a32dbc41d141240"
ENDPOINT = b"event: endpoint\r\ndata: /gradio_api/mcp/messages/?session_id=%s\r\n\r\n" % MCP.encode()
RESULT = b'event: message\r\ndata: {"jsonrpc":"2.0","id":3,"result":{"isError":false}}\r\n\r\n'


async def posts(gate: Gatehouse, message: bytes) -> VisitingClient:
    gate.upstream.meets(answering(b"Accepted", 202))
    return await gate.visit(f"POST /gradio_api/mcp/messages/?session_id={MCP}", body=message)


async def test_messages_meet_the_pod_of_their_session_and_a_call_has_it_until_its_result(gate: Gatehouse) -> None:
    """Seen with an MCP client on two copies of Gradio 5.49: 404, as it keeps no cookies, and the slot was not kept."""
    gate.ready("gpu-1", "gpu-2")
    _, stream = await streams(gate, "/mcp/sse")
    stream.gives(ENDPOINT)
    await gate.settled()
    for _ in range(2):
        await posts(gate, b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        assert (gate.pod.address, gate.driver.pool.in_flight) == (stream.address, 0)
    await posts(gate, b'{"jsonrpc":"2.0","id":3,"method":"tools/call"}')
    await gate.passes(60)
    assert (gate.pod.address, gate.driver.pool.in_flight) == (stream.address, 1)
    stream.gives(RESULT)
    await gate.settled()
    assert gate.driver.pool.in_flight == 0
    stream.ends()


async def test_a_cancelled_call_in_line_is_not_begun_and_one_at_work_is_let_alone(gate: Gatehouse) -> None:
    """Gradio 5.49 answers such a call at once, and its function runs on."""
    client, stream = await streams(gate, "/mcp/sse")
    stream.gives(ENDPOINT)
    await gate.settled()
    await posts(gate, b'{"jsonrpc":"2.0","id":3,"method":"tools/call"}')
    waits = await gate.visit(f"POST /mcp/messages/?session_id={MCP}", body=b'{"id":4,"method":"tools/call"}')
    asked = len(gate.upstream.exchanges)
    for call in (b"3", b"4"):
        cancels = b'{"method":"notifications/cancelled","params":{"requestId":%s}}' % call
        assert (await gate.visit(f"POST /mcp/messages/?session_id={MCP}", body=cancels)).status == 202
    assert (len(gate.upstream.exchanges), gate.slot(), gate.waiting) == (asked, "working", 0)
    assert waits.has_all
    client.leaves()
    await gate.passes(60)
    assert gate.slot() == "working"
    stream.gives(RESULT)
    await gate.settled()
    assert gate.slot() == "free"
