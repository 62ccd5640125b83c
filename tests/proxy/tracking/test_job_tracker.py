"""A job that goes on behind its answer keeps its slot, in front of scripted pods. Time is virtual."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane, WhenBusy
from gateway.core.records.listed import BackendState
from gateway.profiles.generic import generic
from gateway.profiles.rules import rule
from gateway.profiles.treatment import IdleProbe, Interrupt, More
from gateway.proxy.pool.rules import SHORTEST_QUARANTINE, OnClientGone
from tests.doubles.scripted_upstream import ScriptedExchange, answering, breaking_off, hanging, queue_full
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from tests.doubles.scripted_upstream import Script
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

SUBMITTED = b'{"prompt_id": "p-1"}'
WORKING = answering(b"{}")
DONE = (
    answering(b'{"p-1": {"outputs": {"9": {"images": [{"filename": "a.png", "subfolder": "", "type": "output"}]}}}}'),
    answering(b'{"queue_running": [], "queue_pending": []}'),
)
IN_QUEUE = answering(b'{"queue_running": [[1, "p-1"]], "queue_pending": []}')


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


@pytest.fixture(autouse=True)
def comfy(gate: Gatehouse) -> None:
    prompts = rule("POST /prompt", Lane.COUNTED, WhenBusy.WAIT, more=More(dialogue="comfyui_job"))
    rules = (prompts, rule("GET /odd", Lane.COUNTED, more=More(dialogue="unheard_of")))
    gate.served.profile = replace(generic(rules), idle=IdleProbe("/queue", lambda status, body: True))
    gate.upstream.otherwise = _still_working


async def _still_working(exchange: ScriptedExchange) -> None:
    script: Script = IN_QUEUE if exchange.request.target == b"/queue" else WORKING
    await script(exchange)


async def test_the_client_has_its_answer_at_once_and_the_next_one_waits(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(SUBMITTED))
    first = await gate.visit("POST /prompt", ("accept-encoding", "gzip"), body=b"{}")
    submission = gate.upstream.exchanges[0]
    assert (first.body, first.has_all, gate.slot(), gate.records) == (SUBMITTED, True, "working", [])
    assert submission.header("accept-encoding") is None
    first.gone = True  # and it may close its connection
    second = await gate.visit("POST /prompt", body=b"{}")
    await gate.passes(60)
    assert (second.status, gate.waiting) == (None, 1)
    gate.upstream.meets(*DONE, answering(b"", 400))
    await gate.passes(5)
    assert (second.status, gate.slot(), gate.waiting) == (400, "free", 0)
    assert [record.ending for record in gate.records] == [Ending.SERVED] * 2
    assert gate.records[0].service is not None
    assert 60 <= gate.records[0].service < 65
    assert gate.pod.request.method == b"POST"


async def test_what_was_not_begun_is_not_waited_for(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"no", 400))
    await gate.visit("POST /prompt", body=b"{}")
    assert (gate.slot(), len(gate.upstream.exchanges)) == ("free", 1)


async def test_one_that_is_lost_gives_its_slot_back_and_the_log_says_so(gate: Gatehouse) -> None:
    gate.upstream.otherwise = answering(b'{"queue_running": [], "queue_pending": []}')
    gate.upstream.meets(answering(SUBMITTED), *[WORKING] * 20)
    with capture_logs() as events:
        await gate.visit("POST /prompt", body=b"{}")
        gate.driver.set_state("gpu-1", BackendState.GONE)
        await gate.passes(10)
    assert [event["event"] for event in events] == ["job_lost"]
    assert gate.record.ending is Ending.SERVED


async def test_a_pod_is_judged_by_the_jobs_behind_its_answers(gate: Gatehouse) -> None:
    error = ["execution_error", {"exception_type": "RuntimeError", "exception_message": "no GPU"}]
    broke = json.dumps({"p-1": {"status": {"status_str": "error", "messages": [error]}}}).encode()
    gate.driver.refit(replace(gate.driver.pool.policy, health_errors=1))
    gate.upstream.otherwise = answering(b'{"queue_running": [], "queue_pending": []}')
    for _ in range(2):
        gate.upstream.meets(answering(SUBMITTED), answering(broke))
        await gate.visit("POST /prompt", body=b"{}")
        await gate.passes(10)
    (backend,) = gate.driver.snapshot().backends
    because = "2 turns in a row failed, the last one: a job of its broke (RuntimeError: no GPU)"
    assert (backend.fails_because, backend.served) == (because, 0)


async def test_one_that_takes_too_long_leaves_its_slot_in_quarantine(gate: Gatehouse) -> None:
    gate.rules(total=100)
    gate.upstream.meets(answering(SUBMITTED))
    await gate.visit("POST /prompt", body=b"{}")
    await gate.passes(99)
    assert gate.slot() == "working"
    await gate.passes(2)
    assert (gate.slot(), gate.record.ending) == ("quarantined", Ending.SERVED)
    assert 98 < gate.quarantine() < 100


async def test_where_the_pod_cannot_be_asked_nothing_is_gained_by_waiting_longer(gate: Gatehouse) -> None:
    gate.served.profile = replace(gate.served.profile, idle=None)
    gate.rules(total=100)
    gate.upstream.meets(answering(SUBMITTED))
    await gate.visit("POST /prompt", body=b"{}")
    await gate.passes(100)
    assert gate.slot() == "quarantined"
    assert gate.quarantine() <= SHORTEST_QUARANTINE


async def test_one_whose_name_cannot_be_read_does_so_at_once(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"painting..."))
    await gate.visit("POST /prompt", body=b"{}")
    assert gate.slot() == "quarantined"
    gate.quarantine()


async def test_the_end_of_the_grace_ends_it(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(SUBMITTED))
    await gate.visit("POST /prompt", body=b"{}")
    await gate.stops()
    assert (gate.slot(), gate.record.ending) == ("quarantined", Ending.SERVED)
    gate.quarantine()


async def test_a_client_that_left_before_its_answer_has_a_job_all_the_same(gate: Gatehouse) -> None:
    gate.upstream.meets(hanging)
    client = await gate.visit("POST /prompt", body=b"{}")
    submission = gate.pod
    client.leaves()
    submission.answers(SUBMITTED)
    await gate.passes(10)
    assert gate.slot() == "working"
    gate.upstream.meets(*DONE)
    await gate.passes(2)
    assert (gate.slot(), gate.record.ending) == ("free", Ending.CLIENT_LEFT_BEFORE_ANSWER)


async def test_one_whose_answer_came_whole_is_not_interrupted_by_a_client_that_leaves_then(gate: Gatehouse) -> None:
    gate.served.profile = replace(gate.served.profile, interrupt=Interrupt("POST", "/stop"))
    gate.rules(on_client_gone=OnClientGone.INTERRUPT)
    gate.upstream.meets(hanging)
    client = await gate.visit("POST /prompt", body=b"{}")
    client.stops_reading()
    gate.pod.answers(SUBMITTED)
    await gate.settled()
    client.leaves()
    gate.upstream.meets(*DONE)
    await gate.passes(10)
    assert "POST" not in {each.request.method.decode() for each in gate.upstream.exchanges[1:]}
    assert gate.slot() == "free"


async def test_one_that_is_closed_with_its_client_is_not_followed(gate: Gatehouse) -> None:
    gate.rules(on_client_gone=OnClientGone.CLOSE)
    gate.upstream.meets(hanging)
    (await gate.visit("POST /prompt", body=b"{}")).leaves()
    await gate.passes(1)
    assert (gate.slot(), len(gate.upstream.exchanges)) == ("quarantined", 1)
    gate.quarantine()


async def test_an_answer_that_breaks_and_one_that_says_that_nothing_was_started(gate: Gatehouse) -> None:
    gate.upstream.meets(breaking_off)
    assert (await gate.visit("POST /prompt", body=b"{}")).status == 502
    gate.quarantine()
    gate.upstream.meets(queue_full, answering(SUBMITTED), *DONE)
    client = await gate.visit("POST /prompt", body=b"{}")
    await gate.passes(5)
    assert (client.body, gate.slot()) == (SUBMITTED, "free")


async def test_a_dialogue_that_is_not_spoken_here_is_an_exchange(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"odd"))
    assert (await gate.visit("GET /odd")).body == b"odd"
    assert gate.slot() == "free"
