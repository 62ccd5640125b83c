"""What the terminal view asks of the operators' port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.policy import Policy
from gateway.core.pool import Pool as CorePool
from gateway.core.views.snapshot import view_of
from gateway.ops.plain_json import plain
from gateway.top.port import OperatorsPort, Order, PortError
from tests.core.playbook import Playbook
from tests.doubles.operators_port import TOKEN, ScriptedPort, told_backend, told_pool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@pytest.fixture
async def gateway() -> ScriptedPort:
    return ScriptedPort(told_pool("sd", told_backend("gpu-1")))


@pytest.fixture
async def port(gateway: ScriptedPort) -> AsyncIterator[OperatorsPort]:
    async with OperatorsPort("http://gateway:9090/", TOKEN, gateway) as port:
        yield port


async def test_it_reads_what_the_gateway_really_shows(gateway: ScriptedPort, port: OperatorsPort) -> None:
    p = Playbook("gpu-1")
    p.arrive("a", session="a", home="gpu-1")
    p.granted("a")
    p.arrive("b", session="b", home="gpu-1")
    scaler: dict[str, Any] = {"desired": 2, "ready": 1}
    empty = CorePool("empty", Policy(), 0.0)
    gateway.pools = [{**plain(view_of(p.pool, 1.0)), "autoscaler": scaler}, plain(view_of(empty, 0.0))]
    full, _ = await port.pools()
    assert [(backend.name, backend.in_flight, backend.sessions) for backend in full.backends] == [("gpu-1", 1, 2)]
    assert [(ticket.label, ticket.bound_to) for ticket in full.line.tickets] == [("b", "gpu-1")]
    assert (full.autoscaler, full.sessions_live) == (scaler, 2)


async def test_orders_name_things_as_they_are(gateway: ScriptedPort, port: OperatorsPort) -> None:
    for order in Order:
        await port.order(order, "uid/gpu-1")
    await port.expel("a b")
    assert gateway.orders == [
        "POST /api/backends/uid%2Fgpu-1/drain",
        "POST /api/backends/uid%2Fgpu-1/undrain",
        "POST /api/backends/uid%2Fgpu-1/release",
        "DELETE /api/tickets/a%20b",
    ]


async def test_without_the_token_it_says_what_the_gateway_says(gateway: ScriptedPort) -> None:
    async with OperatorsPort("http://gateway:9090", None, gateway) as port:
        with pytest.raises(PortError, match=r"^401 Not authorised: send Authorization"):
            await port.order(Order.DRAIN, "gpu-1")


async def test_trouble_is_told_in_words(gateway: ScriptedPort, port: OperatorsPort) -> None:
    gateway.pools = [{"name": "sd"}]
    with pytest.raises(PortError, match="its snapshot is not understood: Field required"):
        await port.pools()
    gateway.down = True
    with pytest.raises(PortError, match="no answer: connection refused"):
        await port.pools()
