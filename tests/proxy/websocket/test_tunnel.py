"""A websocket through the endpoint: the handshake goes the path of any request, then bytes pass both ways."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.decisions import Ending
from gateway.proxy.websocket.tunnel import FAREWELL
from tests.doubles.scripted_upstream import answering, hanging
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from gateway.upstream.request import UpstreamRequest
    from tests.doubles.scripted_upstream import ScriptedExchange
    from tests.doubles.visiting_client import VisitingClient
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

HANDSHAKE = (
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
)
ACCEPT = (b"sec-websocket-accept", b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


async def agreeing(exchange: ScriptedExchange) -> None:
    exchange.begins(101, [(b"upgrade", b"websocket"), (b"connection", b"upgrade"), ACCEPT])


async def joined(gate: Gatehouse, path: str = "/paint") -> VisitingClient:
    """A client whose tunnel is open."""
    gate.upstream.meets(agreeing)
    client = await gate.visit(f"GET {path}", *HANDSHAKE)
    assert client.status == 101
    return client


async def test_the_handshake_is_an_ordinary_request_that_asks_for_an_upgrade(gate: Gatehouse) -> None:
    client = await joined(gate)
    request: UpstreamRequest = gate.pod.request
    assert (request.method, request.body, request.upgrade, request.reusable) == (b"GET", None, b"websocket", False)
    assert gate.pod.header("sec-websocket-key") == b"dGhlIHNhbXBsZSBub25jZQ=="
    assert gate.pod.header("upgrade") is gate.pod.header("connection") is None  # whoever writes the head adds them
    assert client.header("sec-websocket-accept") == ACCEPT[1].decode()
    assert gate.home_of(client) == "gpu-1"
    assert gate.slot() == "working"
    client.end.breaks()


async def test_bytes_pass_both_ways_those_that_came_early_first(gate: Gatehouse) -> None:
    async def hasty(exchange: ScriptedExchange) -> None:
        await agreeing(exchange)
        exchange.end.says(b"hello, ")

    gate.upstream.meets(hanging)
    client = await gate.visit("GET /paint", *HANDSHAKE)
    client.end.says(b"early, ")
    await hasty(gate.pod)
    await gate.settled()
    client.end.says(b"late")
    gate.pod.end.says(b"you")
    assert (gate.pod.end.heard, client.end.heard) == (b"early, late", b"hello, you")
    gate.pod.end.ends()
    await gate.settled()
    assert (gate.record.status, gate.record.bytes_in, gate.record.bytes_out) == (101, 11, 10)


async def test_each_end_is_read_as_fast_as_the_other_takes(gate: Gatehouse) -> None:
    client = await joined(gate)
    pod = gate.pod.end
    for reader, writer in ((client.end, pod), (pod, client.end)):
        reader.takes_nothing()
        assert (writer.is_read, reader.is_read) == (False, True)
        reader.takes_on()
        assert writer.is_read
    client.end.ends()
    pod.takes_nothing()
    pod.takes_on()
    assert not client.end.is_read  # nothing more comes from there: to read on would find the same end again
    pod.ends()


async def test_a_client_that_does_not_take_what_came_before_the_head_holds_the_backend_up(gate: Gatehouse) -> None:
    gate.upstream.meets(hanging)
    client = await gate.visit("GET /paint", *HANDSHAKE)
    client.write_paused = True
    await agreeing(gate.pod)
    await gate.settled()
    assert (gate.pod.end.is_read, client.end.is_read) == (False, True)
    client.end.takes_on()
    assert gate.pod.end.is_read
    client.end.breaks()


async def test_it_may_be_silent_for_days(gate: Gatehouse) -> None:
    client = await joined(gate)
    await gate.passes(3 * 24 * 3600)
    client.end.takes_nothing()
    await gate.passes(3 * 24 * 3600)
    assert gate.slot() == "working"
    client.end.breaks()


# Its end


async def test_the_backend_closes_and_its_slot_waits_for_no_client(gate: Gatehouse) -> None:
    client = await joined(gate)
    gate.pod.end.ends()
    await gate.settled()
    assert (gate.record.ending, gate.slot()) == (Ending.SERVED, "free")
    assert client.end.heard_end
    assert client.has_all
    assert gate.pod.finished


async def test_the_client_closes_first(gate: Gatehouse) -> None:
    client = await joined(gate)
    client.end.ends()
    await gate.settled()
    assert gate.pod.end.heard_end
    assert gate.slot() == "working"
    gate.pod.end.says(b"the last of it")
    assert client.end.heard == b"the last of it"
    gate.pod.end.ends()
    await gate.settled()
    assert (gate.record.ending, gate.slot()) == (Ending.CLIENT_LEFT_IN_ANSWER, "free")


async def test_who_does_not_close_in_turn_is_waited_for_while_something_moves(gate: Gatehouse) -> None:
    client = await joined(gate)
    client.end.ends()
    await gate.passes(FAREWELL - 1)
    gate.pod.end.says(b"still here")
    await gate.passes(FAREWELL - 1)
    assert gate.slot() == "working"
    await gate.passes(FAREWELL + 2)
    assert (gate.record.ending, gate.slot()) == (Ending.CLIENT_LEFT_IN_ANSWER, "free")


async def test_the_backend_breaks_it(gate: Gatehouse) -> None:
    client = await joined(gate)
    gate.pod.end.breaks()
    client.end.says(b"to nobody")
    await gate.settled()
    assert (gate.record.ending, client.was_cut) == (Ending.BACKEND_BROKE_IN_ANSWER, True)
    assert gate.record.detail
    assert gate.quarantine() == 900  # as with any answer that breaks


async def test_the_client_breaks_it(gate: Gatehouse) -> None:
    client = await joined(gate)
    client.end.breaks()
    gate.pod.end.says(b"to nobody")
    gate.pod.end.ends()
    await gate.settled()
    assert (gate.record.ending, gate.slot()) == (Ending.CLIENT_LEFT_IN_ANSWER, "free")
    assert gate.pod.closed


async def test_a_backend_that_works_on_is_asked_before_its_slot_is_free(gate: Gatehouse) -> None:
    gate.served.profile = replace(gate.served.profile, works_after_disconnect=True)
    client = await joined(gate)
    await gate.passes(5000)  # longer than any request may take
    client.end.breaks()
    await gate.settled()
    assert gate.slot() == "quarantined"
    assert gate.quarantine() == 900  # timeouts.total: the last message may have begun something


async def test_the_gateway_stops(gate: Gatehouse) -> None:
    client = await joined(gate)
    await gate.stops()
    assert (gate.record.ending, client.was_cut, gate.pod.closed) == (Ending.STOPPED_IN_ANSWER, True, True)
    assert gate.record.detail == ""


# Lanes


async def test_without_a_slot_it_holds_no_backend(gate: Gatehouse) -> None:
    client = await joined(gate, "/page")
    assert gate.slot() == "free"
    assert gate.driver.take_for_removal() == "gpu-1"
    client.end.breaks()


async def test_with_one_it_does_and_others_wait(gate: Gatehouse) -> None:
    client = await joined(gate)
    gate.upstream.meets(answering(b"hers"))
    second = await gate.visit("POST /paint", body=b"x")
    assert (gate.waiting, gate.driver.take_for_removal()) == (1, None)
    client.end.breaks()
    await gate.settled()
    assert second.body == b"hers"


# No tunnel


async def test_any_other_status_is_an_answer(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"no websocket here", 200))
    client = await gate.visit("GET /paint", *HANDSHAKE)
    assert (client.status, client.body, client.has_all) == (200, b"no websocket here", True)
    assert (gate.record.ending, gate.slot()) == (Ending.SERVED, "free")


@pytest.mark.parametrize("accept", [[], [(ACCEPT[0], b"another")], [ACCEPT, ACCEPT]], ids=["none", "another", "two"])
async def test_a_101_that_does_not_know_the_key_is_a_bad_answer(
    gate: Gatehouse, accept: list[tuple[bytes, bytes]]
) -> None:
    async def pretending(exchange: ScriptedExchange) -> None:
        exchange.begins(101, accept)

    gate.upstream.meets(pretending)
    client = await gate.visit("GET /paint", *HANDSHAKE)
    assert (client.status, gate.record.ending, gate.slot()) == (502, Ending.BACKEND_BAD_ANSWER, "quarantined")
    gate.quarantine()


async def test_a_backend_that_breaks_with_its_101_never_answered(gate: Gatehouse) -> None:
    async def vanishing(exchange: ScriptedExchange) -> None:
        await agreeing(exchange)
        exchange.end.breaks()

    gate.upstream.meets(vanishing)
    client = await gate.visit("GET /paint", *HANDSHAKE)
    assert (client.status, gate.record.ending) == (502, Ending.BACKEND_BROKE_BEFORE_ANSWER)
    gate.quarantine()


async def test_a_client_that_left_before_the_101_gets_none(gate: Gatehouse) -> None:
    gate.upstream.meets(hanging)
    client = await gate.visit("GET /paint", *HANDSHAKE)
    await agreeing(gate.pod)
    client.leaves()
    await gate.settled()
    assert (client.status, gate.slot()) == (None, "free")
    assert gate.record.ending is Ending.CLIENT_LEFT_BEFORE_ANSWER
