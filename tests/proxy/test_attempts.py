"""Whether there is another turn, and what becomes of the last one's slot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.decisions import Ending
from gateway.core.records.listed import BackendState
from gateway.upstream.errors import CutShort, WrongLength
from tests.doubles.scripted_upstream import (
    ScriptedExchange,
    answering,
    breaking_off,
    closing_when_reused,
    refusing,
    talking_nonsense,
)
from tests.doubles.virtual_time import virtual_time_of_asyncio
from tests.proxy.gatehouse import reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.proxy.gatehouse import Gatehouse


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


async def test_a_refused_connection_gives_the_turn_back_whatever_the_method(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(refusing, answering(b"dog"))
    client = await gate.visit("POST /paint", body=b"a dog")
    assert gate.upstream.asked == ["gpu-1:1", "gpu-2:1"]
    assert (client.body, gate.record.turns, gate.record.backend) == (b"dog", 2, "gpu-2")
    assert gate.home_of(client) == "gpu-2"


async def test_a_backend_that_refuses_is_asked_again_later_and_not_in_a_loop(gate: Gatehouse) -> None:
    gate.upstream.meets(refusing, refusing, answering(b"dog"))
    client = await gate.visit("POST /paint", body=b"a dog")
    assert (len(gate.upstream.asked), gate.slot(), gate.waiting) == (1, "free", 1)
    await gate.passes(1 + 2)
    assert (client.body, gate.pod.received, gate.record.turns) == (b"dog", b"a dog", 3)


async def test_a_passive_request_that_is_refused_does_not_wait(gate: Gatehouse) -> None:
    gate.upstream.meets(refusing)
    client = await gate.visit("GET /progress")
    assert reason(client) == (503, "no_backend")


async def test_who_leaves_after_a_refusal_leaves_the_line(gate: Gatehouse) -> None:
    gate.upstream.meets(refusing)
    client = await gate.visit("POST /paint")
    client.leaves()
    await gate.settled()
    assert (gate.record.ending, gate.waiting) == (Ending.CLIENT_LEFT_WAITING, 0)


@pytest.mark.parametrize(
    ("script", "ending", "why"),
    [
        (breaking_off, Ending.BACKEND_BROKE_BEFORE_ANSWER, "backend_broke_before_answer"),
        (talking_nonsense, Ending.BACKEND_BAD_ANSWER, "backend_bad_answer"),
    ],
)
async def test_what_broke_before_its_head_is_not_sent_twice(
    gate: Gatehouse, script: Callable[[ScriptedExchange], Awaitable[None]], ending: Ending, why: str
) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(script)
    client = await gate.visit("POST /paint", body=b"a dog")
    assert reason(client) == (502, ending.name.lower())
    assert client.header("retry-after") is None
    assert (gate.record.ending, gate.record.detail) == (ending, "gpu-1:1: as scripted")
    assert (len(gate.upstream.exchanges), gate.why_quarantined()) == (1, why)
    assert gate.quarantine() == pytest.approx(900, abs=1)


async def test_quarantine_is_what_was_left_of_total(gate: Gatehouse) -> None:
    await gate.visit("POST /paint")
    await gate.passes(500)
    gate.pod.breaks_off()
    await gate.settled()
    assert gate.quarantine() == pytest.approx(400, abs=1)


async def test_a_short_503_that_breaks_is_a_broken_answer(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    gate.pod.begins(503, length=8)
    gate.pod.gives(b"come")
    gate.pod.fails(CutShort)
    await gate.settled()
    assert reason(client) == (502, "backend_broke_before_answer")
    gate.quarantine()


@pytest.mark.parametrize("request_line", ["GET /paint", "PUT /paint", "POST /again"])
async def test_what_may_be_repeated_gets_one_more_turn_elsewhere(gate: Gatehouse, request_line: str) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(breaking_off, answering(b"dog"))
    client = await gate.visit(request_line, body=b"a dog")
    assert gate.upstream.asked == ["gpu-1:1", "gpu-2:1"]
    assert (client.body, gate.pod.received, gate.record.turns) == (b"dog", b"a dog", 2)
    assert gate.slot("gpu-2") == "free"
    assert gate.quarantine("gpu-1") == pytest.approx(900, abs=1)


async def test_but_only_one(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2", "gpu-3")
    gate.upstream.meets(breaking_off, breaking_off)
    client = await gate.visit("GET /paint")
    assert (client.status, len(gate.upstream.exchanges)) == (502, 2)
    for address in gate.upstream.asked:
        gate.quarantine(address.removesuffix(":1"))


async def test_nobody_waits_for_the_slot_that_his_own_request_broke(gate: Gatehouse) -> None:
    gate.upstream.meets(breaking_off)
    client = await gate.visit("GET /paint")
    assert reason(client) == (502, "backend_broke_before_answer")
    gate.quarantine()


async def test_a_backend_that_stops_with_its_connection_is_asked_again(gate: Gatehouse) -> None:
    gate.rules(quarantine_max=0)
    gate.upstream.meets(breaking_off, answering(b"dog"))
    client = await gate.visit("GET /paint")
    assert (client.body, gate.upstream.asked) == (b"dog", ["gpu-1:1", "gpu-1:1"])


async def test_when_another_backend_never_comes_it_is_still_a_broken_answer(gate: Gatehouse) -> None:
    """Not 503: that would say that nothing was started."""
    gate.rules(quarantine_max=1000)
    gate.ready("gpu-1", "gpu-2")
    gate.driver.set_state("gpu-2", BackendState.STARTING)
    gate.upstream.meets(breaking_off)
    client = await gate.visit("GET /paint")
    await gate.passes(300)
    assert reason(client) == (502, "backend_broke_before_answer")
    assert gate.record.ending is Ending.BACKEND_BROKE_BEFORE_ANSWER
    gate.quarantine()


async def test_uncounted_requests_are_repeated_unless_their_body_went_by(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(breaking_off, answering(b"page"), breaking_off)
    bodiless = await gate.visit("GET /page")
    assert (bodiless.body, gate.upstream.asked) == (b"page", ["gpu-1:1", "gpu-2:1"])
    went_by = await gate.visit("PUT /page", body=b"a dog")
    assert (went_by.status, len(gate.upstream.exchanges)) == (502, 3)


async def test_a_used_connection_that_was_closing_costs_no_turn(gate: Gatehouse) -> None:
    gate.upstream.meets(closing_when_reused, answering(b"page"))
    client = await gate.visit("GET /page")
    assert (client.body, gate.record.turns) == (b"page", 1)
    assert [exchange.request.reusable for exchange in gate.upstream.exchanges] == [True, False]


async def test_a_request_that_we_could_not_finish_is_not_repeated(gate: Gatehouse) -> None:
    client = await gate.visit("GET /paint", body=b"a dog")
    gate.pod.fails(WrongLength)
    await gate.settled()
    assert (client.status, gate.record.turns) == (502, 1)
    gate.quarantine()
