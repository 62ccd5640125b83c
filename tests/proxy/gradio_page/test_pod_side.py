"""One turn of a page's event: what becomes of the slot and of the page. Time is virtual."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.decisions import Ending
from gateway.profiles.registry import profile
from gateway.proxy.pool.rules import SHORTEST_QUARANTINE, OnClientGone
from tests.doubles.scripted_upstream import answering, breaking_off, talking_nonsense
from tests.doubles.virtual_time import virtual_time_of_asyncio
from tests.proxy.gradio_page.conversation import Page, Pod, clicks, completes, takes

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

NO_FUNCTIONS = answering(b'{"components": [], "dependencies": []}')


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


@pytest.fixture(autouse=True)
def web_ui(gate: Gatehouse) -> None:
    gate.served.profile = profile("a1111")


async def error(gate: Gatehouse, page: Page) -> str:
    """What it is told last, and that it has said goodbye."""
    *_, last = page.hears()
    await gate.settled()
    assert page.client.has_all
    assert (last["msg"], last["success"]) == ("process_completed", False)
    return str(last["output"]["error"])


async def leaves(gate: Gatehouse, page: Page) -> None:
    page.end.breaks()
    await gate.settled()


# The pod's words


async def test_all_but_its_questions_is_for_the_page(gate: Gatehouse) -> None:
    page = await clicks(gate, "ann", "task(a)")
    pod = await takes(gate)
    pod.says(msg="progress", progress_data=[])
    pod.says(msg="send_data")  # once more: nobody answers twice
    pod.says(msg="queue_full")  # too late to mean it
    pod.says(output={"data": [1]}, msg="process_generating")
    await gate.settled()
    assert page.kinds() == ["estimation", "process_starts", "progress", "queue_full", "process_generating"]
    assert len([message for message in pod.hears() if "data" in message]) == 1
    await completes(gate, pod)
    page.hears()
    await gate.settled()


async def test_a_failure_of_its_own_is_passed_on_and_frees_the_slot(gate: Gatehouse) -> None:
    page = await clicks(gate, "ann", "task(a)")
    pod = await takes(gate)
    pod.says(msg="process_completed", output={"error": "out of memory"}, success=False)
    await gate.settled()
    assert (await error(gate, page), gate.slot(), gate.record.ending) == ("out of memory", "free", Ending.SERVED)


async def test_one_that_gives_a_task_no_output_may_have_queued_it(gate: Gatehouse) -> None:
    gate.policy(can_ask=True)
    page = await clicks(gate, "ann", "task(a)")
    pod = await takes(gate)
    pod.says(msg="process_completed", output={"data": []}, success=True)
    await gate.settled()
    assert page.kinds()[-1] == "process_completed"
    await gate.settled()
    assert (gate.record.ending, gate.why_quarantined()) == (Ending.SERVED, "may go on")
    gate.driver.release("gpu-1")


async def test_a_page_that_is_slow_makes_it_wait_and_one_that_takes_nothing_is_gone(gate: Gatehouse) -> None:
    page = await clicks(gate, "ann", "task(a)")
    pod = await takes(gate)
    page.end.takes_nothing()
    page.end.unsent = 2 << 20
    pod.says(msg="progress", progress_data=["half"])
    pod.says(msg="progress", progress_data=["nearly"])
    await gate.settled()
    assert [message.get("progress_data") for message in page.hears()][2:] == [["half"]]
    page.end.unsent = 0
    page.end.takes_on()
    await gate.settled()
    assert [message.get("progress_data") for message in page.hears()] == [["nearly"]]
    page.end.takes_nothing()
    page.end.unsent = 2 << 20
    pod.says(msg="progress", progress_data=["more"])
    await gate.passes(gate.served.rules.write_stall)
    await completes(gate, pod)
    assert (gate.slot(), gate.record.ending) == ("free", Ending.CLIENT_LEFT_BEFORE_ANSWER)


# It breaks


@pytest.mark.parametrize("how", ["closes", "breaks"])
async def test_one_that_dies_at_work_is_told_to_the_page_and_quarantined(gate: Gatehouse, how: str) -> None:
    page = await clicks(gate, "ann", "task(a)")
    pod = await takes(gate)
    pod.closes() if how == "closes" else pod.end.breaks()
    await gate.settled()
    assert (await error(gate, page)).startswith("The backend broke off. ")
    assert (gate.record.ending, gate.slot()) == (Ending.BACKEND_BROKE_BEFORE_ANSWER, "quarantined")
    assert ("goodbye" if how == "closes" else "connection ended") in gate.record.detail
    assert gate.quarantine() == 900


@pytest.mark.parametrize("stays", [True, False])
async def test_one_that_lets_a_cancelled_event_go_takes_the_next(gate: Gatehouse, stays: bool) -> None:
    """Seen with Gradio 3.41.2: a call of a function that `cancels` it ends the socket of an event, and no more is
    said."""
    gate.served.profile = profile("gradio3")
    page = await clicks(gate, "ann", "a dog")
    pod = await takes(gate)
    if not stays:
        await leaves(gate, page)
    assert gate.slot() == "working"
    pod.closes()
    await gate.settled()
    if stays:
        assert page.kinds() == ["estimation", "process_starts"]
        await gate.settled()
    ending = Ending.SERVED if stays else Ending.CLIENT_LEFT_BEFORE_ANSWER
    assert (gate.slot(), gate.record.ending) == ("free", ending)


async def test_its_files_are_remembered(gate: Gatehouse) -> None:
    """Seen with a page in a frame of another site, on two copies of A1111: 6 of 8 pictures were 403."""
    page = await clicks(gate, "ann", "task(a)")
    pod = await takes(gate)
    await completes(gate, pod, [{"name": "/tmp/gradio/a/0.png", "data": None, "is_file": True}])
    page.hears()
    await gate.settled()
    gate.ready("gpu-1", "gpu-2")
    for _ in range(2):
        gate.upstream.meets(answering())
        await gate.visit("GET /file=/tmp/gradio/a/0.png")
        await gate.passes(1)
        assert gate.pod.address == "gpu-1:1"


async def test_where_it_cannot_be_asked_the_quarantine_is_what_was_left(gate: Gatehouse) -> None:
    gate.served.profile = replace(gate.served.profile, idle=None)
    page = await clicks(gate, "ann", "task(a)")
    pod = await takes(gate)
    await gate.passes(100)
    pod.end.breaks()
    await gate.settled()
    await error(gate, page)
    assert gate.quarantine() == 800


@pytest.mark.parametrize("when", ["before", "in the handshake", "before the data"])
async def test_one_that_dies_before_it_has_the_data_has_begun_nothing(gate: Gatehouse, when: str) -> None:
    if when == "before":
        gate.upstream.meets(breaking_off)
    page = await clicks(gate, "ann", "task(a)")
    if when == "in the handshake":
        gate.pod.breaks_off()
    elif when == "before the data":
        pod = Pod(gate.pod)
        await gate.settled()
        pod.says(msg="send_hash")
        pod.end.breaks()
    await gate.settled()
    assert (gate.waiting, gate.driver.pool.quarantined) == (1, 0)
    await gate.passes(2)
    await completes(gate, await takes(gate), "picture")
    assert page.hears()[-1]["success"]
    await gate.settled()
    assert gate.record.turns == 2


async def test_one_that_is_full_has_begun_nothing(gate: Gatehouse) -> None:
    page = await clicks(gate, "ann", "task(a)")
    pod = Pod(gate.pod)
    await gate.settled()
    pod.says(msg="queue_full")
    await gate.settled()
    assert (gate.waiting, page.kinds()[-1]) == (1, "estimation")
    await gate.passes(2)
    await completes(gate, await takes(gate))
    page.hears()
    await gate.settled()


@pytest.mark.parametrize("agreement", [b"", b"another"])
async def test_one_that_agrees_to_something_else(gate: Gatehouse, agreement: bytes) -> None:
    page = await clicks(gate, "ann", "task(a)")
    gate.pod.begins(101, [(b"sec-websocket-accept", agreement)] if agreement else [])
    await gate.settled()
    assert "did not take the event" in await error(gate, page)
    assert (gate.record.ending, gate.slot()) == (Ending.BACKEND_BAD_ANSWER, "free")


async def test_one_that_does_not_speak_http(gate: Gatehouse) -> None:
    gate.upstream.meets(talking_nonsense)
    page = await clicks(gate, "ann", "task(a)")
    assert "did not take the event" in await error(gate, page)
    assert gate.record.ending is Ending.BACKEND_BAD_ANSWER


# It takes too long


async def test_one_that_does_not_ask_for_the_data_in_time_has_begun_nothing(gate: Gatehouse) -> None:
    gate.rules(response_start=60)
    page = await clicks(gate, "ann", "task(a)")
    Pod(gate.pod)
    await gate.passes(61)
    assert (await error(gate, page)).startswith("The backend took too long. ")
    assert (gate.record.ending, gate.slot()) == (Ending.BACKEND_SLOW_ANSWER, "free")


async def test_one_at_work_says_nothing_for_as_long_as_a_job_may_take(gate: Gatehouse) -> None:
    gate.rules(response_start=60, idle=60, total=500)
    page = await clicks(gate, "ann", "task(a)")
    await takes(gate)
    await gate.passes(499)
    assert gate.slot() == "working"
    await gate.passes(1)
    assert (await error(gate, page)).startswith("The backend took too long. ")
    assert (gate.record.ending, gate.slot()) == (Ending.BACKEND_SLOW_ANSWER, "quarantined")
    assert gate.quarantine() == 500


# The page leaves


async def test_a_job_whose_page_has_left_is_read_to_its_end(gate: Gatehouse) -> None:
    page = await clicks(gate, "ann", "task(a)")
    pod = await takes(gate)
    await leaves(gate, page)
    await gate.passes(60)
    assert (gate.slot(), gate.pod.closed) == ("working", False)
    await completes(gate, pod)
    assert (gate.slot(), gate.record.ending) == ("free", Ending.CLIENT_LEFT_BEFORE_ANSWER)


async def test_which_is_counted_once_with_who_waits_for_it(gate: Gatehouse) -> None:
    gate.driver.pool.estimates.served(10)
    gate.driver.pool.estimates.warmed(60)
    page = await clicks(gate, "ann", "task(a)")
    pod = await takes(gate)
    await gate.visit("POST /sdapi/v1/txt2img", body=b"{}")
    assert gate.driver.pool.demand == 2
    await leaves(gate, page)
    assert gate.driver.pool.demand == 1
    await completes(gate, pod)
    gate.pod.answers()
    await gate.settled()


async def test_but_not_longer_than_that_is_waited_for(gate: Gatehouse) -> None:
    gate.rules(drain_timeout=10)
    page = await clicks(gate, "ann", "task(a)")
    await takes(gate)
    await leaves(gate, page)
    await gate.passes(9)
    assert gate.slot() == "working"
    await gate.passes(1)
    assert (gate.slot(), gate.record.ending) == ("quarantined", Ending.CLIENT_LEFT_BEFORE_ANSWER)
    gate.quarantine()


async def test_or_interrupted(gate: Gatehouse) -> None:
    gate.rules(on_client_gone=OnClientGone.INTERRUPT)
    page = await clicks(gate, "ann", "task(a)")
    pod = await takes(gate)
    await leaves(gate, page)
    interrupt = gate.pod
    assert interrupt.request.target == b"/sdapi/v1/interrupt"
    await completes(gate, pod)
    assert gate.slot() == "working"  # or the interrupt would stop the next one
    interrupt.answers(b"{}")
    await gate.settled()
    assert gate.slot() == "free"


async def test_or_closed(gate: Gatehouse) -> None:
    gate.rules(on_client_gone=OnClientGone.CLOSE)
    page = await clicks(gate, "ann", "task(a)")
    await takes(gate)
    await leaves(gate, page)
    assert (gate.slot(), gate.pod.broken) == ("quarantined", True)
    gate.quarantine()


async def test_one_whose_page_leaves_before_the_pod_has_the_data_is_not_begun(gate: Gatehouse) -> None:
    page = await clicks(gate, "ann", "task(a)")
    pod = Pod(gate.pod)
    await gate.settled()
    await leaves(gate, page)
    assert (gate.slot(), gate.pod.broken, gate.record.ending) == ("free", True, Ending.CLIENT_LEFT_BEFORE_ANSWER)
    assert pod.hears() == []


async def test_not_even_if_the_pod_asks_for_it_in_that_very_moment(gate: Gatehouse) -> None:
    page = await clicks(gate, "ann", "task(a)")
    pod = Pod(gate.pod)
    await gate.settled()
    pod.says(msg="send_data")
    await leaves(gate, page)
    assert (gate.slot(), pod.hears()) == ("free", [])


async def test_a_light_click_is_closed_with_its_page(gate: Gatehouse) -> None:
    gate.upstream.meets(NO_FUNCTIONS)
    page = await clicks(gate, "ann", "a dog")
    await takes(gate)
    await leaves(gate, page)
    assert (gate.pod.broken, gate.slot(), gate.record.ending) == (True, "free", Ending.CLIENT_LEFT_BEFORE_ANSWER)


# The gateway stops


async def test_one_that_has_begun_nothing_is_refused(gate: Gatehouse) -> None:
    page = await clicks(gate, "ann", "task(a)")
    Pod(gate.pod)
    await gate.stops()
    assert (await error(gate, page)).startswith("The gateway is stopping.")
    assert (gate.slot(), gate.record.ending) == ("free", Ending.REFUSED)


async def test_a_broken_one_is_quarantined_for_a_moment_at_least(gate: Gatehouse) -> None:
    gate.served.profile = replace(gate.served.profile, idle=None)
    gate.rules(total=100)
    page = await clicks(gate, "ann", "task(a)")
    await takes(gate)
    await gate.passes(100)
    await error(gate, page)
    assert gate.quarantine() <= SHORTEST_QUARANTINE


async def test_a_message_longer_than_an_answer_may_be_breaks_it(gate: Gatehouse) -> None:
    page = await clicks(gate, "ann", "task(a)")
    pod = await takes(gate)
    pod.says_text(json.dumps({"msg": "process_completed", "output": {"data": ["x" * (1 << 20)]}}).encode())
    await gate.settled()
    assert (await error(gate, page)).startswith("The backend broke off. ")
    assert "1048576" in gate.record.detail
    gate.quarantine()
