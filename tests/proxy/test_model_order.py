"""A chosen model is made the backend's own in the slot of the job that needs it. Time is virtual."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.core.records.decisions import Ending
from gateway.profiles.registry import profile
from tests.doubles.scripted_upstream import answering, breaking_off, refusing
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from tests.doubles.visiting_client import VisitingClient
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

OPTIONS = "POST /sdapi/v1/options"
PAINT = "POST /sdapi/v1/txt2img"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


@pytest.fixture(autouse=True)
async def web_ui(gate: Gatehouse) -> None:
    gate.served.profile = profile("a1111")
    gate.policy(model_switch_cost=10.0)


async def chooses(gate: Gatehouse, model: str, peer: str = "192.0.2.1", status: int = 200) -> None:
    gate.upstream.meets(answering(b"null", status))
    body = json.dumps({"sd_model_checkpoint": model}).encode()
    assert (await gate.visit(OPTIONS, body=body, peer=peer)).status == status


async def paints(gate: Gatehouse, peer: str = "192.0.2.1", *headers: tuple[str, str]) -> VisitingClient:
    return await gate.visit(PAINT, *headers, body=b'{"prompt": "dog"}', peer=peer)


def asked(gate: Gatehouse, since: int = 0) -> list[str]:
    return [each.request.target.decode().rpartition("/")[2] for each in gate.upstream.exchanges[since:]]


async def test_a_job_finds_the_chosen_model_and_nobody_is_told_again(gate: Gatehouse) -> None:
    await chooses(gate, "b")
    gate.driver.backend_model("gpu-1", "b", anyio.current_time())
    gate.upstream.meets(answering(b"{}"))
    assert (await paints(gate)).status == 200
    assert asked(gate) == ["options", "txt2img"]


async def test_where_somebody_else_has_chosen_since_it_is_chosen_anew_before_the_job(gate: Gatehouse) -> None:
    await chooses(gate, "a.ckpt")
    await chooses(gate, "b.ckpt", "192.0.2.2")
    gate.upstream.meets(answering(b"null"), answering(b"{}"))
    client = await paints(gate, "192.0.2.1", ("authorization", "Basic eA=="))
    assert (client.status, asked(gate, 2)) == (200, ["options", "txt2img"])
    order = gate.upstream.exchanges[2]
    assert (order.request.body, order.header("authorization")) == (b'{"sd_model_checkpoint": "a.ckpt"}', b"Basic eA==")
    assert gate.driver.pool.backends["gpu-1"].own_model == "a"


async def test_it_is_told_in_the_slot_also_after_a_wait(gate: Gatehouse) -> None:
    await chooses(gate, "a")
    await chooses(gate, "b", "192.0.2.2")
    gate.driver.backend_model("gpu-1", "b", anyio.current_time())
    first = await paints(gate, "192.0.2.2")
    waiting = await paints(gate)
    gate.upstream.exchanges[-1].answers(b"{}")
    await gate.settled()
    assert (first.status, gate.slot(), asked(gate, 2)) == (200, "working", ["txt2img", "options"])
    gate.upstream.exchanges[-1].answers(b"null")
    await gate.settled()
    gate.upstream.exchanges[-1].answers(b"{}")
    await gate.settled()
    assert (waiting.status, asked(gate, 2)) == (200, ["txt2img", "options", "txt2img"])


async def test_a_pod_that_does_not_take_it_does_the_job_as_it_is_and_the_log_says_so(gate: Gatehouse) -> None:
    await chooses(gate, "a")
    await chooses(gate, "b", "192.0.2.2")
    gate.upstream.meets(answering(b"{}", 500), answering(b"{}"))
    with capture_logs() as events:
        assert (await paints(gate)).status == 200
    assert [(event["event"], event["status"]) for event in events] == [("model_not_loaded", 500)]


async def test_one_that_refuses_the_connection_is_told_at_the_next_turn(gate: Gatehouse) -> None:
    await chooses(gate, "a")
    await chooses(gate, "b", "192.0.2.2")
    gate.upstream.meets(refusing, answering(b"null"), answering(b"{}"))
    client = await paints(gate)
    await gate.passes(60)
    assert (client.status, asked(gate, 2)) == (200, ["options", "txt2img"])


@pytest.mark.parametrize("how", ["breaks off", "is silent"])
async def test_one_that_breaks_while_it_loads_may_be_loading_still(gate: Gatehouse, how: str) -> None:
    await chooses(gate, "a")
    await chooses(gate, "b", "192.0.2.2")
    if how == "breaks off":
        gate.upstream.meets(breaking_off)
    client = await paints(gate)
    await gate.passes(601)
    assert (client.status, gate.record.ending) == (502, Ending.BACKEND_BROKE_BEFORE_ANSWER)
    assert asked(gate, 2) == ["options"]
    assert gate.quarantine() > 0


async def test_who_leaves_meanwhile_lets_it_load_and_is_not_painted_for(gate: Gatehouse) -> None:
    await chooses(gate, "a")
    await chooses(gate, "b", "192.0.2.2")
    client = await paints(gate)
    client.leaves()
    await gate.settled()
    assert gate.slot() == "working"
    gate.upstream.exchanges[-1].answers(b"null")
    await gate.settled()
    assert (gate.slot(), gate.record.ending, asked(gate, 2)) == ("free", Ending.CLIENT_LEFT_WAITING, ["options"])


async def test_a_choice_that_the_pod_refused_is_none(gate: Gatehouse) -> None:
    await chooses(gate, "nowhere", status=500)
    gate.upstream.meets(answering(b"{}"))
    await paints(gate)
    assert asked(gate) == ["options", "txt2img"]


async def test_who_asks_is_shown_its_choice_by_a_pod_that_takes_requests(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2", "gpu-3")
    await chooses(gate, "a")
    for name, model in (("gpu-1", "a"), ("gpu-2", "b"), ("gpu-3", "a")):
        gate.driver.backend_model(name, model, anyio.current_time())
    gate.driver.drain("gpu-1")
    gate.upstream.meets(answering(b"{}"))
    await gate.visit("GET /sdapi/v1/options")
    assert gate.pod.address == "gpu-3:1"


async def test_who_is_shown_a_model_paints_with_it(gate: Gatehouse) -> None:
    await chooses(gate, "b", "192.0.2.2")
    gate.upstream.meets(answering(b'{"sd_model_checkpoint": "b"}'))
    await gate.visit("GET /sdapi/v1/options")
    await chooses(gate, "a", "192.0.2.2")
    gate.upstream.meets(answering(b"null"), answering(b"{}"))
    await paints(gate)
    assert asked(gate) == ["options", "options", "options", "options", "txt2img"]
