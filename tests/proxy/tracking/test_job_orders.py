"""Who may ask about a job, who may stop it, and where such a request goes, in front of a real pool of one slot. Time is
virtual.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.decisions import Ending, Outcome
from gateway.profiles.registry import profile
from gateway.proxy.tracking.job_orders import ORDER_TIMEOUT
from tests.doubles.scripted_upstream import answering, hanging
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from tests.doubles.visiting_client import VisitingClient
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

INTERRUPT, SKIP = "POST /sdapi/v1/interrupt", "POST /sdapi/v1/skip"
PROGRESS, TASK_PROGRESS = "GET /sdapi/v1/progress", "POST /internal/progress"


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


@pytest.fixture(autouse=True)
def web_ui(gate: Gatehouse) -> None:
    gate.served.profile = profile("a1111")


async def paints(gate: Gatehouse, who: str, task: str | None = None) -> VisitingClient:
    body = json.dumps({"force_task_id": task} if task else {}).encode()
    return await gate.visit("POST /sdapi/v1/txt2img", gate.cookie(who), body=body)


async def finish(gate: Gatehouse, *jobs: int) -> None:
    """The pod ends the work of these exchanges."""
    for job in jobs:
        gate.upstream.exchanges[job].answers(b"picture")
        await gate.settled()


def told(client: VisitingClient) -> Any:
    return json.loads(client.body)


async def test_the_owner_stops_the_running_job_at_the_pod(gate: Gatehouse) -> None:
    job = await paints(gate, "ann")
    gate.upstream.meets(answering(b"{}"))
    stop = await gate.visit(INTERRUPT, gate.cookie("ann"))
    assert (stop.body, gate.pod.request.target, gate.record.ending) == (b"{}", b"/sdapi/v1/interrupt", Ending.SERVED)
    await finish(gate, 0)
    assert job.body == b"picture"


@pytest.mark.parametrize("request_line", [INTERRUPT, SKIP])
@pytest.mark.parametrize("headers", [("eve",), ()])
async def test_nobody_else_does(gate: Gatehouse, request_line: str, headers: tuple[str, ...]) -> None:
    await paints(gate, "ann")
    stop = await gate.visit(request_line, *map(gate.cookie, headers))
    assert (stop.status, "Nothing was stopped" in told(stop)["detail"]) == (200, True)
    assert (len(gate.upstream.exchanges), gate.record.ending) == (1, Ending.NOT_YOURS)
    assert (stop.header("x-request-id"), stop.header("cache-control")) == (gate.record.request_id, "no-store")
    await finish(gate, 0)


async def test_one_in_line_is_taken_out_by_its_owner_and_nothing_reaches_the_pod(gate: Gatehouse) -> None:
    await paints(gate, "ann")
    waiting = await paints(gate, "bob")
    stop = await gate.visit(INTERRUPT, gate.cookie("bob"))
    await gate.settled()
    assert (stop.body, waiting.status, told(waiting)["reason"]) == (b"{}", 409, "withdrawn")
    assert (gate.waiting, len(gate.upstream.exchanges)) == (0, 1)
    await finish(gate, 0)


async def test_one_that_left_the_line_unbegun_is_over_whoever_asks(gate: Gatehouse) -> None:
    await paints(gate, "ann")
    await paints(gate, "bob", "task(b)")
    await gate.visit(INTERRUPT, gate.cookie("bob"))
    leaving = await paints(gate, "eve", "task(e)")
    leaving.leaves()
    await gate.settled()
    for task in ("task(b)", "task(e)"):
        asked = await gate.visit(TASK_PROGRESS, body=json.dumps({"id_task": task}).encode())
        assert (told(asked)["completed"], told(asked)["queued"]) == (True, False)
        assert (gate.record.ending, len(gate.upstream.exchanges)) == (Ending.ANSWERED_HERE, 1)
    again = await paints(gate, "bob", "task(b)")
    asked = await gate.visit(TASK_PROGRESS, body=b'{"id_task": "task(b)"}')
    assert told(asked)["queued"]
    await finish(gate, 0, 1)
    assert again.body == b"picture"
    gate.upstream.meets(answering(b"{}"))
    await gate.visit(TASK_PROGRESS, body=b'{"id_task": "task(b)"}')
    assert gate.record.ending is Ending.SERVED  # its pod knows


async def test_progress_of_one_in_line_is_told_here_and_it_keeps_its_place(gate: Gatehouse) -> None:
    await paints(gate, "ann")
    await paints(gate, "bob")
    waiting = await paints(gate, "cid", "task(c)")
    by_session = told(await gate.visit(PROGRESS, gate.cookie("cid")))
    by_name = told(await gate.visit(TASK_PROGRESS, body=b'{"id_task": "task(c)"}'))
    assert (by_session["textinfo"], by_session["state"]["job_count"]) == ("In queue: 2/2", -1)
    assert (by_name["queued"], by_name["textinfo"]) == (True, "In queue: 2/2")
    assert (waiting.status, gate.waiting, len(gate.upstream.exchanges)) == (None, 2, 1)
    await finish(gate, 0, 1, 2)


async def test_progress_is_told_here_while_no_pod_is_ready_before_its_job_is_in_line_and_in_it(gate: Gatehouse) -> None:
    """The page asks before its event's websocket is open, and takes its bar away at any other status."""
    gate.ready()
    asked = TASK_PROGRESS, b'{"id_task": "task(a)", "live_preview": false}'
    before = await gate.visit(asked[0], body=asked[1])
    assert (told(before)["queued"], told(before)["textinfo"], gate.driver.pool.demand) == (True, "Starting ...", 0)
    job = await paints(gate, "ann", "task(a)")
    in_line = await gate.visit(asked[0], body=asked[1])
    assert (told(in_line)["queued"], told(in_line)["textinfo"]) == (True, "Starting ... In queue: 1/1")
    assert [record.ending for record in gate.records] == [Ending.ANSWERED_HERE] * 2
    assert Ending.ANSWERED_HERE.outcome is Outcome.SERVED
    await gate.visit(INTERRUPT, gate.cookie("ann"))
    await gate.settled()
    assert job.status == 409
    assert told(await gate.visit(asked[0], body=asked[1]))["completed"]  # nothing is begun for it any more: no bar


async def test_progress_goes_to_where_the_job_runs_be_that_home_or_not(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2")
    await paints(gate, "ann", "task(a)")
    spilled = await paints(gate, "ann", "task(b)")
    assert [exchange.address for exchange in gate.upstream.exchanges] == ["gpu-1:1", "gpu-2:1"]
    gate.upstream.meets(answering(b"50 %"), answering(b"20 %"))
    first = await gate.visit(TASK_PROGRESS, gate.cookie("ann"), body=b'{"id_task": "task(b)"}')
    assert (first.body, gate.pod.address, gate.pod.received) == (b"50 %", "gpu-2:1", b'{"id_task": "task(b)"}')
    await gate.visit(PROGRESS, gate.cookie("ann"))
    assert gate.pod.address == "gpu-1:1"
    await finish(gate, 0, 1)
    assert spilled.body == b"picture"


async def test_progress_of_a_job_whose_pod_takes_no_requests_keeps_the_bar(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2")
    await paints(gate, "ann", "task(a)")
    for others in (("gpu-2",), ()):  # gpu-1 drains
        gate.ready(*others)
        client = await gate.visit(TASK_PROGRESS, gate.cookie("ann"), body=b'{"id_task": "task(a)"}')
        assert (told(client)["active"], len(gate.upstream.exchanges)) == (True, 1)
        assert gate.record.ending is Ending.ANSWERED_HERE
    await finish(gate, 0)


async def test_progress_of_nothing_goes_where_it_always_went(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"idle"))
    assert (await gate.visit(PROGRESS, gate.cookie("ann"))).body == b"idle"


async def test_a_slot_is_kept_while_its_job_is_being_stopped(gate: Gatehouse) -> None:
    """Or the interrupt would stop the next one."""
    await paints(gate, "ann")
    nxt = await paints(gate, "bob")
    stop = await gate.visit(INTERRUPT, gate.cookie("ann"))
    await finish(gate, 0)
    assert (gate.waiting, len(gate.upstream.exchanges)) == (1, 2)
    gate.pod.answers(b"{}")
    await gate.settled()
    assert (stop.body, gate.waiting, len(gate.upstream.exchanges)) == (b"{}", 0, 3)
    await finish(gate, 2)
    assert nxt.body == b"picture"


async def test_but_not_for_ever(gate: Gatehouse) -> None:
    await paints(gate, "ann")
    stop = await gate.visit(INTERRUPT, gate.cookie("ann"))
    await finish(gate, 0)
    assert gate.slot() == "working"
    await gate.passes(ORDER_TIMEOUT + 1)
    assert gate.slot() == "free"
    stop.leaves()


async def test_an_order_that_would_reach_another_pod_goes_nowhere(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2")
    await paints(gate, "ann")
    gate.ready("gpu-2")  # gpu-1 is listed no longer, and finishes what it has
    stop = await gate.visit(INTERRUPT, gate.cookie("ann"))
    assert ("Nothing was stopped" in told(stop)["detail"], len(gate.upstream.exchanges)) == (True, 1)
    await finish(gate, 0)


async def test_comfyuis_prompts_are_stopped_by_the_name_that_the_pod_gave_them(gate: Gatehouse) -> None:
    gate.served.profile = profile("comfyui")
    gate.upstream.meets(answering(b'{"prompt_id": "p-1"}'), hanging)
    await gate.visit("POST /prompt", gate.cookie("ann"), body=b"{}")
    watched = gate.pod
    foreign = await gate.visit("POST /interrupt", gate.cookie("eve"), body=b'{"prompt_id": "p-1"}')
    assert "Nothing was stopped" in told(foreign)["detail"]
    gate.upstream.meets(answering(b"", 200))
    own = await gate.visit("POST /interrupt", gate.cookie("ann"), body=b'{"prompt_id": "p-1"}')
    assert (own.status, gate.pod.request.target) == (200, b"/interrupt")
    unqueue = await gate.visit("POST /queue", gate.cookie("ann"), body=b'{"clear": true}')
    assert (unqueue.status, gate.record.ending) == (200, Ending.NOT_YOURS)
    gate.upstream.meets(answering(b'{"queue_running": [], "queue_pending": []}'))
    watched.answers(b'{"p-1": {}}')
    await gate.settled()
    assert gate.slot() == "free"


async def test_all_that_are_listed_are_cancelled_wherever_they_are(gate: Gatehouse) -> None:
    gate.served.profile = profile("comfyui")
    gate.upstream.meets(answering(b'{"prompt_id": "p-1"}'), hanging)
    await gate.visit("POST /prompt", gate.cookie("ann"), body=b'{"prompt_id": "p-1"}')
    watched = gate.pod
    mine, hers, left = [
        await gate.visit("POST /prompt", gate.cookie(who), body=json.dumps({"prompt_id": name}).encode())
        for who, name in (("ann", "p-2"), ("eve", "p-3"), ("ann", "p-4"))
    ]
    gate.upstream.meets(answering(b'{"cancelled": true}'))
    await gate.visit("POST /api/jobs/cancel", gate.cookie("ann"), body=b'{"job_ids": ["p-1", "p-2", "p-3"]}')
    assert gate.pod.request.target == b"/api/jobs/cancel"
    assert (mine.status, hers.status, left.status) == (409, None, None)
    nothing = await gate.visit("POST /api/jobs/cancel", gate.cookie("ann"), body=b"{}")
    assert (nothing.status, "job_ids" in told(nothing)["error"], left.status) == (400, True, None)
    gate.upstream.meets(answering(b'{"queue_running": [], "queue_pending": []}'), *[answering(b"no", 400)] * 2)
    watched.answers(b'{"p-1": {}}')
    await gate.settled()
    assert (hers.status, left.status) == (400, 400)


async def test_who_has_no_cookie_owns_what_its_address_began(gate: Gatehouse) -> None:
    """A program that keeps no cookies stops its own prompt, and nobody else's."""
    gate.served.profile = profile("comfyui")
    gate.upstream.meets(answering(b'{"prompt_id": "p-1"}'), hanging)
    await gate.visit("POST /prompt", body=b"{}")
    watched = gate.pod
    order = ("POST /interrupt", b'{"prompt_id": "p-1"}')
    foreign = await gate.visit(order[0], gate.cookie("eve"), body=order[1])
    assert "Nothing was stopped" in told(foreign)["detail"]
    elsewhere = await gate.visit("POST /jobs/p-1/cancel", peer="192.0.2.9")
    assert elsewhere.body == b'{"cancelled": false}'
    gate.upstream.meets(answering(b"", 200))
    own = await gate.visit(order[0], body=order[1])
    assert (own.status, gate.pod.request.target) == (200, b"/interrupt")
    gate.upstream.meets(answering(b'{"queue_running": [], "queue_pending": []}'))
    watched.answers(b'{"p-1": {}}')
    await gate.settled()
