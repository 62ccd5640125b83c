"""Pages of other sites: their preflights, and what they see of refusals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.proxy.traffic_split import TrafficSplit
from tests.doubles.scripted_upstream import answering
from tests.doubles.virtual_time import virtual_time_of_asyncio
from tests.proxy.gatehouse import reason

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

UI, EVIL = ("origin", "https://ui.example"), ("origin", "https://evil.example")
ASKS = ("access-control-request-method", "POST")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


@pytest.mark.parametrize("path", ["/paint", "/page", "/progress", "/secret"])
async def test_while_no_pod_runs_a_preflight_is_answered_here(gate: Gatehouse, path: str) -> None:
    gate.ready()
    client = await gate.visit(f"OPTIONS {path}", UI, ASKS)
    assert (client.status, client.body) == (204, b"")
    assert client.header("access-control-allow-origin") == "https://ui.example"
    assert client.header("access-control-allow-methods") == "POST"
    assert (gate.record.ending, gate.record.lane, gate.driver.pool.demand) == (Ending.ANSWERED_HERE, Lane.EXEMPT, 0)


@pytest.mark.parametrize("path", ["/paint", "/secret"])
async def test_a_preflight_takes_no_slot(gate: Gatehouse, path: str) -> None:
    assert (await gate.visit(f"OPTIONS {path}", UI, ASKS)).status == 204
    assert gate.upstream.asked == []


async def test_a_pod_that_runs_answers_those_that_cost_nothing(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"its own"))
    assert (await gate.visit("OPTIONS /page", UI, ASKS)).body == b"its own"


@pytest.mark.parametrize("headers", [(EVIL, ASKS), (UI,), (ASKS,)])
async def test_no_others_are_answered(gate: Gatehouse, headers: tuple[tuple[str, str], ...]) -> None:
    assert reason(await gate.visit("OPTIONS /secret", *headers)) == (403, "denied")


async def test_nor_does_one_wait_for_a_revision(gate: Gatehouse) -> None:
    gate.endpoint.pools = {"sd": TrafficSplit(gate.served)}
    assert (await gate.visit("OPTIONS /paint", UI, ASKS)).status == 204


@pytest.mark.parametrize(("request_line", "status"), [("POST /secret", 403), ("GET /progress", 503)])
async def test_a_refusal_can_be_read_by_a_listed_page_alone(gate: Gatehouse, request_line: str, status: int) -> None:
    gate.ready()
    client = await gate.visit(request_line, UI)
    assert (client.status, client.header("access-control-allow-origin")) == (status, "https://ui.example")
    assert "Retry-After" in (client.header("access-control-expose-headers") or "")
    assert (await gate.visit(request_line, EVIL)).header("access-control-allow-origin") is None


async def test_of_a_pods_answer_the_gateways_headers_are_exposed_and_no_more(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"", 200, (b"access-control-expose-headers", b"x-its-own")))
    client = await gate.visit("GET /page", UI)
    exposed = [value for name, value in client.headers if name == b"access-control-expose-headers"]
    assert (len(exposed), exposed[0]) == (2, b"x-its-own")
    assert client.header("access-control-allow-origin") is None
