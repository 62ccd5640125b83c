"""How much of one client's waits, and how much is at work. Time is virtual."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest

from gateway.profiles.registry import profile
from gateway.proxy.clients.bounds import Bounds, ClientBounds
from gateway.proxy.clients.door import ClientDoor
from gateway.proxy.clients.keys import ClientKeys
from tests.doubles.scripted_upstream import answering
from tests.doubles.virtual_time import virtual_time_of_asyncio
from tests.proxy.gatehouse import reason
from tests.proxy.gradio_page.conversation import completes, opens, takes

if TYPE_CHECKING:
    from tests.doubles.visiting_client import VisitingClient
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


def bound(gate: Gatehouse, **bounds: Bounds) -> ClientBounds:
    """Each name's key is the name; more pods than anybody may use."""
    names = {hashlib.sha256(name.encode()).digest(): name for name in ("alice", "bob")}
    made = ClientBounds(Bounds(), bounds)
    gate.endpoint.door = ClientDoor(ClientKeys(names), made, lambda why: None)
    gate.ready("gpu-1", "gpu-2", "gpu-3")
    return made


async def paint(gate: Gatehouse, name: str) -> VisitingClient:
    return await gate.visit("POST /paint", ("x-api-key", name))


async def finish(gate: Gatehouse) -> None:
    """Pods answer until nobody works any more."""
    while working := [exchange for exchange in gate.upstream.exchanges if not exchange.ended]:
        for exchange in working:
            exchange.answers(b"dog")
        await gate.settled()


async def test_who_has_enough_at_work_waits_though_pods_are_free_and_is_no_demand(gate: Gatehouse) -> None:
    bound(gate, alice=Bounds(max_in_flight=1))
    first, second, third = [await paint(gate, "alice") for _ in range(3)]
    assert (len(gate.upstream.exchanges), gate.driver.pool.demand) == (1, 1)
    other = await paint(gate, "bob")
    assert len(gate.upstream.exchanges) == 2
    await finish(gate)
    assert [client.status for client in (first, second, third, other)] == [200] * 4


async def test_no_more_wait_than_may(gate: Gatehouse) -> None:
    bound(gate, alice=Bounds(max_waiting=2, max_in_flight=1))
    clients = [await paint(gate, "alice") for _ in range(4)]
    refused = clients[-1]
    assert [client.status for client in clients[:3]] == [None] * 3
    assert (reason(refused), refused.header("retry-after")) == ((429, "too_many_of_key"), "10")
    clients[1].leaves()
    await gate.settled()
    again = await paint(gate, "alice")
    assert again.status is None
    await finish(gate)


async def test_who_leaves_before_it_is_in_line_leaves_its_place(gate: Gatehouse) -> None:
    bound(gate, alice=Bounds(max_in_flight=1))
    first, second, third = [await paint(gate, "alice") for _ in range(3)]
    second.leaves()
    await gate.settled()
    assert gate.record.status == 499
    gate.pod.answers(b"dog")
    await gate.settled()
    gate.pod.answers(b"cat")
    await gate.settled()
    assert (first.body, third.body) == (b"dog", b"cat")


async def test_time_ends_that_wait_and_so_does_the_gateways_end(gate: Gatehouse) -> None:
    made = bound(gate, alice=Bounds(max_in_flight=1))
    gate.rules(longest_wait=50, total=10_000, response_start=10_000)
    _, second = await paint(gate, "alice"), await paint(gate, "alice")
    await gate.passes(51)
    assert reason(second) == (503, "waited_too_long")
    third = await paint(gate, "alice")
    made.stop()
    await gate.settled()
    assert reason(third) == (503, "stopping")
    await finish(gate)


async def test_new_bounds_hold_for_those_who_wait(gate: Gatehouse) -> None:
    made = bound(gate, alice=Bounds(max_in_flight=1))
    for _ in range(3):
        await paint(gate, "alice")
    made.refit(Bounds(max_in_flight=3), {})
    await gate.settled()
    assert len(gate.upstream.exchanges) == 3
    await finish(gate)


async def test_a_click_on_a_page_is_bounded_as_a_request_is(gate: Gatehouse) -> None:
    bound(gate, alice=Bounds(max_waiting=1, max_in_flight=1))
    gate.served.profile = profile("a1111")
    pages = []
    for who in ("ann", "bob", "eve"):
        pages.append(await opens(gate, who, 0, ("x-api-key", "alice")))
        pages[-1].gives_hash()
        pages[-1].gives_data(f"task({who})")
        await gate.settled()
    assert (len(gate.upstream.exchanges), gate.driver.pool.demand) == (1, 1)
    assert "as many as may" in pages[2].hears()[-1]["output"]["error"]
    await completes(gate, await takes(gate))
    await completes(gate, await takes(gate))
    for page in pages:
        page.hears()
    await gate.settled()
    assert len(gate.upstream.exchanges) == 2


async def test_so_is_one_whose_function_was_looked_up_first(gate: Gatehouse) -> None:
    bound(gate, alice=Bounds(max_waiting=1, max_in_flight=1))
    gate.ready("gpu-1")
    gate.served.profile = profile("gradio3")
    gate.upstream.meets(answering(b'{"dependencies": [{}]}'))
    clients = [await gate.visit("POST /run/predict", ("x-api-key", "alice"), body=b'{"fn_index": 0}') for _ in range(3)]
    assert [client.status for client in clients] == [None, None, 429]
    await finish(gate)
