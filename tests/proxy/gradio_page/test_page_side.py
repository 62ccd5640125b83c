"""Clicks on a page of Gradio 3 in front of a real pool of one slot. Time is virtual."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.dialogues.gradio_socket import DATA_WITHIN, HASH_WITHIN
from gateway.profiles.registry import profile
from tests.doubles.recording_trace import RecordingTrace
from tests.doubles.scripted_upstream import answering, queue_full, refusing
from tests.doubles.virtual_time import virtual_time_of_asyncio
from tests.proxy.gradio_page.conversation import Page, clicks, completes, opens, takes

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

PAINT, COUNT, STOP, RELOAD, INTERROGATE = range(5)

CONFIG = answering(
    json.dumps(
        {
            "components": [
                {"id": number, "type": "button", "props": {"elem_id": elem_id}}
                for number, elem_id in enumerate(("txt2img_interrupt", "settings_restart_gradio", "interrogate"))
            ],
            "dependencies": [{}, {}, {"targets": [0]}, {"targets": [1]}, {"targets": [2]}],
        }
    ).encode()
)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


@pytest.fixture(autouse=True)
def web_ui(gate: Gatehouse) -> None:
    gate.served.profile = profile("a1111")


def error(page: Page) -> str:
    """What it is told last."""
    *_, last = page.hears()
    assert (last["msg"], last["success"]) == ("process_completed", False)
    return str(last["output"]["error"])


async def is_told_goodbye(gate: Gatehouse, page: Page) -> None:
    page.hears()
    await gate.settled()
    assert (page.is_closed, page.client.has_all) == (True, True)


# From the click to the picture


async def test_a_job_from_the_click_to_the_picture(gate: Gatehouse) -> None:
    page = await clicks(gate, "ann", "task(a)", "a dog")
    assert (page.hears(), gate.slot(), len(gate.pod.end.heard)) == ([], "working", 0)
    pod = await takes(gate)
    asked = pod.hears()
    assert asked[0] == {"fn_index": 0, "session_hash": "ann"}
    assert (asked[1]["data"], asked[1]["session_hash"]) == (["task(a)", "a dog"], "ann")
    assert page.kinds() == ["estimation", "process_starts"]
    await completes(gate, pod, "picture")
    assert gate.slot() == "free"
    (last,) = page.hears()
    assert (last["output"], last["success"]) == ({"data": ["picture"]}, True)
    await is_told_goodbye(gate, page)
    assert (gate.record.ending, gate.record.lane, gate.record.status) == (Ending.SERVED, Lane.COUNTED, 101)
    assert gate.record.bytes_in > len('{"data":["task(a)","a dog"]}')
    assert gate.pod.finished


async def test_the_handshake_with_the_pod_offers_nothing_that_the_gateway_does_not_speak(gate: Gatehouse) -> None:
    offers = (("sec-websocket-extensions", "permessage-deflate"), ("sec-websocket-protocol", "x"))
    page = await opens(gate, "ann", PAINT, *offers, gate.cookie("ann"))
    assert (page.client.status, page.client.header("sec-websocket-extensions")) == (101, None)
    assert page.client.header("x-request-id") is not None
    page.gives_hash()
    page.gives_data("task(a)")
    await gate.settled()
    request = gate.pod.request
    assert (request.target, request.upgrade, gate.pod.header("cookie")) == (b"/queue/join", b"websocket", None)
    assert {name for name, _ in request.headers} & {b"sec-websocket-extensions", b"sec-websocket-protocol"} == set()
    page.closes()
    await gate.settled()


async def test_the_slot_is_the_jobs_and_not_the_sockets(gate: Gatehouse) -> None:
    """A page that has not said what it wants holds nothing; one that does not say goodbye neither."""
    silent = await opens(gate, "eve")
    ann = await clicks(gate, "ann", "task(a)")
    assert (gate.slot(), gate.driver.pool.demand) == ("working", 1)
    bob = await clicks(gate, "bob", "task(b)")
    await completes(gate, await takes(gate), "picture")
    assert (gate.slot(), gate.pod.address, len(gate.upstream.exchanges)) == ("working", "gpu-1:1", 2)
    assert ann.kinds()[-1] == "process_completed"
    await completes(gate, await takes(gate))
    bob.hears()
    silent.closes()
    await gate.settled()


async def test_a_light_click_passes_while_a_job_runs(gate: Gatehouse) -> None:
    ann = await clicks(gate, "ann", "task(a)")
    painting = await takes(gate)
    gate.upstream.meets(CONFIG)
    light = await clicks(gate, "ann", "a dog", number=COUNT)
    await completes(gate, await takes(gate), 3)
    assert light.hears()[-1]["output"] == {"data": [3]}
    await is_told_goodbye(gate, light)
    assert (gate.record.lane, gate.slot(), ann.kinds()[-1]) == (Lane.EXEMPT, "working", "process_starts")
    await completes(gate, painting)
    ann.hears()
    await gate.settled()


async def test_without_a_cookie_the_sessions_hash_says_where_it_is_at_home(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2")
    for _ in range(3):
        page = await opens(gate, "s1")
        page.gives_hash()
        page.gives_data("task(a)")
        await gate.settled()
        await completes(gate, await takes(gate))
        await is_told_goodbye(gate, page)
    assert len({exchange.address for exchange in gate.upstream.exchanges}) == 1


# In line


async def test_while_in_line_the_page_is_told_its_place(gate: Gatehouse) -> None:
    for name in ("zoe", "ann", "bob"):
        await clicks(gate, name, f"task({name})")
    page = await clicks(gate, "cid", "task(c)")
    (told,) = page.hears()
    assert (told["msg"], told["rank"], told["queue_size"], told["rank_eta"]) == ("estimation", 2, 3, None)
    pod = await takes(gate)
    await gate.passes(8)
    assert page.hears() == []
    await completes(gate, pod)  # in 8 s
    await gate.passes(2)
    (told,) = page.hears()
    assert (told["rank"], told["queue_size"]) == (1, 2)
    assert 22 < told["rank_eta"] == told["queue_eta"] <= 24  # one is ahead of it, one at work: what is left of 3 x 8 s
    for _ in range(3):
        await completes(gate, await takes(gate))
    for client in gate.clients:
        Page(client, "", 0).hears()
    await gate.settled()


async def test_the_same_place_is_told_again_now_and_then(gate: Gatehouse) -> None:
    await clicks(gate, "ann", "task(a)")
    page = await clicks(gate, "bob", "task(b)")
    page.hears()
    await gate.passes(60)
    assert page.kinds() == ["estimation"] * 2
    page.closes()
    gate.clients[0].end.breaks()
    await gate.settled()
    gate.pod.breaks_off()
    await gate.settled()
    assert gate.records[0].ending is Ending.CLIENT_LEFT_WAITING


async def test_the_bar_of_its_task_says_so_too(gate: Gatehouse) -> None:
    ann = await clicks(gate, "ann", "task(a)")
    bob = await clicks(gate, "bob", "task(b)")
    bar = await gate.visit("POST /internal/progress", gate.cookie("bob"), body=b'{"id_task": "task(b)"}')
    assert json.loads(bar.body)["textinfo"] == "In queue: 1/1"
    bob.closes()
    await completes(gate, await takes(gate))
    ann.hears()
    await gate.settled()


async def test_one_that_leaves_while_in_line_leaves_it_at_once(gate: Gatehouse) -> None:
    ann = await clicks(gate, "ann", "task(a)")
    bob = await clicks(gate, "bob", "task(b)")
    assert gate.waiting == 1
    bob.closes()
    await gate.settled()
    assert (gate.waiting, gate.record.ending) == (0, Ending.CLIENT_LEFT_WAITING)
    await completes(gate, await takes(gate))
    ann.hears()
    await gate.settled()
    assert len(gate.upstream.exchanges) == 1


async def test_a_full_line_is_told_in_gradios_words_and_light_clicks_still_pass(gate: Gatehouse) -> None:
    gate.policy(line_limit=0)
    ann = await clicks(gate, "ann", "task(a)")
    bob = await clicks(gate, "bob", "task(b)")
    assert bob.kinds() == ["queue_full"]
    await is_told_goodbye(gate, bob)
    assert (gate.record.ending, gate.record.detail) == (Ending.REFUSED, "line_full")
    gate.upstream.meets(CONFIG)
    light = await clicks(gate, "bob", "a dog", number=COUNT)
    await completes(gate, await takes(gate))
    assert light.hears()[-1]["success"]
    await completes(gate, await takes(gate, 0))
    ann.hears()
    await gate.settled()


async def test_one_that_waited_too_long_is_told_why(gate: Gatehouse) -> None:
    gate.policy(queue_timeout=30)
    ann = await clicks(gate, "ann", "task(a)")
    pod = await takes(gate)
    bob = await clicks(gate, "bob", "task(b)")
    await gate.passes(31)
    assert error(bob).startswith("Waited too long. ")
    assert gate.slot() == "working"
    await completes(gate, pod)
    ann.hears()
    await is_told_goodbye(gate, bob)


# What pages say


async def test_a_page_that_does_not_say_who_it_is_is_not_waited_for(gate: Gatehouse) -> None:
    page = await opens(gate, "ann")
    await gate.passes(HASH_WITHIN - 1)
    assert page.kinds() == ["send_hash"]
    await gate.passes(1)
    assert error(page) == "Time out uploading data to server"
    await is_told_goodbye(gate, page)
    assert (gate.record.ending, gate.upstream.asked) == (Ending.CLIENT_SLOW_UPLOADING, [])


async def test_nor_one_that_does_not_say_what_it_wants(gate: Gatehouse) -> None:
    page = await opens(gate, "ann")
    page.gives_hash()
    await gate.passes(DATA_WITHIN - 1)
    assert page.kinds() == ["send_hash", "send_data"]
    await gate.passes(1)
    assert error(page) == "Time out uploading data to server"
    await is_told_goodbye(gate, page)


@pytest.mark.parametrize("said", [b"hello", b"[]", b'{"fn_index": 3}', b"{" + b" " * 5000 + b"}"])
async def test_one_that_speaks_otherwise_is_told_so(gate: Gatehouse, said: bytes) -> None:
    gate.rules(max_body=10_000)
    page = await opens(gate, "ann")
    page.says_text(said)
    await gate.settled()
    assert error(page).startswith("The message is not valid")
    await is_told_goodbye(gate, page)
    assert (gate.record.ending, gate.record.detail) == (Ending.NO_ROUTE, "bad_message")


async def test_one_that_leaves_before_it_has_said_anything(gate: Gatehouse) -> None:
    page = await opens(gate, "ann")
    page.end.breaks()
    await gate.settled()
    assert gate.record.ending is Ending.CLIENT_LEFT_UPLOADING


async def test_data_that_is_too_long_is_not_kept(gate: Gatehouse) -> None:
    page = await opens(gate, "ann")
    page.gives_hash()
    page.gives_data("x" * 70_000)
    await gate.settled()
    assert gate.held == 0
    assert error(page).startswith("The body is too large")
    await is_told_goodbye(gate, page)
    assert (gate.record.detail, gate.upstream.asked) == ("body_too_large", [])


async def test_nor_what_comes_in_endless_pings(gate: Gatehouse) -> None:
    page = await opens(gate, "ann")
    for _ in range(10_000):
        page.pings()
    await gate.settled()
    assert gate.record.detail == "body_too_large"


async def test_what_a_page_sends_is_charged_to_the_pools_bytes(gate: Gatehouse) -> None:
    gate.policy(bytes_limit=300)
    ann = await clicks(gate, "ann", "task(a)", "x" * 100)
    assert 200 < gate.held < 300
    bob = await opens(gate, "bob")
    bob.gives_hash()
    bob.gives_data("task(b)", "x" * 100)
    await gate.settled()
    assert bob.kinds()[-1] == "queue_full"
    assert gate.record.detail == "bytes_full"
    await completes(gate, await takes(gate))
    ann.hears()
    await gate.settled()
    assert gate.held == 0


async def test_and_what_it_says_behind_its_data_is_neither_charged_nor_kept(gate: Gatehouse) -> None:
    page = await clicks(gate, "ann", "task(a)")
    held = gate.held
    page.says(more="talk")
    assert gate.held == held
    page.says_text(b"x" * 5000)
    await gate.settled()
    assert gate.record.ending is Ending.CLIENT_LEFT_BEFORE_ANSWER


@pytest.mark.parametrize(("origin", "status"), [("https://sd.example", 101), ("https://evil.example", 403)])
async def test_only_pages_of_known_origins(gate: Gatehouse, origin: str, status: int) -> None:
    page = await opens(gate, "ann", PAINT, ("origin", origin))
    assert page.client.status == status
    if status == 101:
        page.end.breaks()
        await gate.settled()


async def test_without_a_websocket_it_is_a_request_like_any_other(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"no", 404))
    assert (await gate.visit("GET /queue/join")).status == 404


async def test_a_trace_of_it_has_its_wait_and_its_turns(gate: Gatehouse) -> None:
    trace = RecordingTrace()
    gate.endpoint.arrivals.tracer = trace.begin
    gate.ready()
    gate.upstream.meets(refusing)
    page = await clicks(gate, "ann", "task(a)")
    gate.ready("gpu-2")
    await gate.passes(2)
    await completes(gate, await takes(gate))
    await is_told_goodbye(gate, page)
    told = [each.partition(":")[0] for each in trace.told]
    assert told[1:5] == ["waits, cold", "waited, then holding", "dials gpu-2", "broke"]
    assert told[-4:] == ["dials gpu-2", "dialled", "answers", "ended -- with 101"]


# Interrupt and skip


async def test_the_owner_of_the_running_job_stops_it_by_a_click(gate: Gatehouse) -> None:
    job = await clicks(gate, "ann", "task(a)")
    painting = await takes(gate)
    gate.upstream.meets(CONFIG)
    stop = await clicks(gate, "ann", number=STOP)
    stopping = await takes(gate)
    await completes(gate, painting, "half a picture")
    assert gate.slot() == "working"  # or the interrupt would stop the next one
    await completes(gate, stopping)
    assert (gate.slot(), stop.hears()[-1]["success"]) == ("free", True)
    assert job.hears()[-1]["output"] == {"data": ["half a picture"]}
    await is_told_goodbye(gate, stop)
    await is_told_goodbye(gate, job)


async def test_nobody_else_does(gate: Gatehouse) -> None:
    job = await clicks(gate, "ann", "task(a)")
    painting = await takes(gate)
    gate.upstream.meets(CONFIG)
    stop = await clicks(gate, "eve", number=STOP)
    assert error(stop) == "No job of yours is running or waiting here. Nothing was stopped."
    await is_told_goodbye(gate, stop)
    assert (gate.record.ending, len(gate.upstream.exchanges)) == (Ending.NOT_YOURS, 2)
    await completes(gate, painting)
    job.hears()
    await gate.settled()


async def test_a_click_that_would_end_the_server_goes_nowhere(gate: Gatehouse) -> None:
    gate.upstream.meets(CONFIG)
    page = await clicks(gate, "ann", number=RELOAD)
    assert "restart or change the server" in error(page)
    await is_told_goodbye(gate, page)
    assert (gate.record.lane, len(gate.upstream.exchanges)) == (Lane.DENIED, 1)


async def test_a_click_that_works_without_a_task_waits_in_line(gate: Gatehouse) -> None:
    job = await clicks(gate, "ann", "task(a)")
    painting = await takes(gate)
    gate.upstream.meets(CONFIG)
    page = await clicks(gate, "eve", "an image", number=INTERROGATE)
    assert (page.hears()[-1]["rank"], gate.waiting) == (0, 1)
    await completes(gate, painting)
    await completes(gate, await takes(gate), "a dog")
    assert page.hears()[-1]["output"] == {"data": ["a dog"]}
    for each in (job, page):
        await is_told_goodbye(gate, each)
    assert gate.record.lane is Lane.COUNTED


async def test_one_in_line_takes_its_own_job_out_of_it(gate: Gatehouse) -> None:
    ann = await clicks(gate, "ann", "task(a)")
    bob = await clicks(gate, "bob", "task(b)")
    gate.upstream.meets(CONFIG)
    stop = await clicks(gate, "bob", number=STOP)
    assert stop.hears()[-1]["success"]
    await gate.settled()
    assert error(bob).startswith("Taken out of the line.")
    assert gate.waiting == 0
    await completes(gate, await takes(gate, 0))
    for page in (ann, bob, stop):
        await is_told_goodbye(gate, page)


# Pods that start nothing


@pytest.mark.parametrize("script", [refusing, queue_full])
async def test_where_nothing_was_started_another_turn_is_waited_for(gate: Gatehouse, script: Any) -> None:
    gate.upstream.meets(script)
    page = await clicks(gate, "ann", "task(a)")
    assert gate.waiting == 1
    await gate.passes(2)
    await completes(gate, await takes(gate), "picture")
    assert page.hears()[-1]["output"] == {"data": ["picture"]}
    assert gate.driver.pool.quarantined == 0
    await is_told_goodbye(gate, page)


async def test_a_pod_that_speaks_no_websocket_is_told_to_the_page(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"no", 403))
    page = await clicks(gate, "ann", "task(a)")
    assert "did not take the event" in error(page)
    await is_told_goodbye(gate, page)
    assert (gate.record.ending, gate.slot()) == (Ending.BACKEND_BAD_ANSWER, "free")
    assert "403" in gate.record.detail


# The gateway's end


async def test_the_end_of_the_grace_reaches_pages_at_each_stage(gate: Gatehouse) -> None:
    running = await clicks(gate, "ann", "task(a)")
    await takes(gate)
    waiting = await clicks(gate, "bob", "task(b)")
    asked = await opens(gate, "cid")
    await gate.stops()
    assert error(running).startswith("The gateway stopped.")
    for page in (waiting, asked):
        assert error(page).startswith("The gateway is stopping.")
    for page in (running, waiting, asked):
        await is_told_goodbye(gate, page)
    assert gate.slot() == "quarantined"
    gate.quarantine()


async def test_a_second_signal_ends_it_at_once(gate: Gatehouse) -> None:
    page = await clicks(gate, "ann", "task(a)")
    await takes(gate)
    page.client.gone = True  # its connection is cut by the server
    await gate.is_ended()
    assert (gate.record.ending, gate.slot()) == (Ending.STOPPED_IN_ANSWER, "quarantined")
    gate.quarantine()


async def test_a_page_that_takes_nothing_is_cut_in_the_end(gate: Gatehouse) -> None:
    page = await clicks(gate, "ann", "task(a)")
    pod = await takes(gate)
    page.end.takes_nothing()
    page.end.unsent = 100
    await completes(gate, pod, "picture")
    assert (gate.slot(), gate.records) == ("free", [])
    await gate.passes(gate.served.rules.write_stall)
    assert (page.client.was_cut, gate.record.ending) == (True, Ending.SERVED)
