"""Clicks on a page by what they do, in front of a real pool of one slot: those that are posted. Time is virtual."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.profiles.registry import profile
from gateway.proxy.pool.ui_functions import FRESH
from tests.doubles.scripted_upstream import answering
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from tests.doubles.visiting_client import VisitingClient
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

PAINT, COUNT, STOP, RELOAD, INTERROGATE, RESTORE = range(6)

CONFIG = answering(
    json.dumps(
        {
            "components": [
                {"id": 1, "type": "button", "props": {"elem_id": "txt2img_interrupt"}},
                {"id": 2, "type": "button", "props": {"value": "Reload UI"}},
                {"id": 3, "type": "button", "props": {"elem_id": "interrogate"}},
                {"id": 4, "type": "button", "props": {"elem_id": "txt2img_restore_progress"}},
                {"id": 5, "type": "textbox", "props": {"elem_id": "txt2img_prompt"}},
            ],
            "dependencies": [
                {"targets": [[5, "submit"]], "js": "submit", "api_name": "paint"},
                {},
                {"targets": [[1, "click"]], "api_name": "halt"},
                {"targets": [[2, "click"]]},
                {"targets": [[3, "click"]]},
                {"targets": [[4, "click"]], "api_name": "restore"},
            ],
        }
    ).encode()
)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


@pytest.fixture(params=["a1111", "forge"])
def kind(request: pytest.FixtureRequest, gate: Gatehouse) -> None:
    gate.served.profile = profile(request.param)


async def clicks(
    gate: Gatehouse, who: str, number: int | None, *data: str, path: str = "/run/predict"
) -> VisitingClient:
    body = json.dumps({"fn_index": number, "data": data, "session_hash": who}).encode()
    return await gate.visit(f"POST {path}", gate.cookie(who), body=body)


def error(client: VisitingClient) -> str:
    said = json.loads(client.body)
    assert said["error"] == said["detail"]
    return str(said["error"])


async def finish(gate: Gatehouse, job: int = 0) -> None:
    gate.upstream.exchanges[job].answers(b"{}", 400)
    await gate.settled()


@pytest.mark.usefixtures("kind")
async def test_the_owners_click_goes_to_the_pod_and_nobody_elses_does(gate: Gatehouse) -> None:
    await clicks(gate, "ann", PAINT, "task(a)")
    gate.upstream.meets(CONFIG)
    foreign = await clicks(gate, "eve", STOP)
    assert (foreign.status, "Nothing was stopped" in error(foreign)) == (409, True)
    assert (gate.pod.request.target, gate.record.ending) == (b"/config", Ending.NOT_YOURS)
    gate.upstream.meets(answering(b'{"data": []}'))
    own = await clicks(gate, "ann", STOP)
    assert (own.status, own.body, gate.pod.request.target) == (200, b'{"data": []}', b"/run/predict")
    await finish(gate)


@pytest.mark.usefixtures("kind")
@pytest.mark.parametrize("path", ["/api/halt", "/run/halt/", "/r%75n/halt"])
async def test_whatever_it_is_called_by(gate: Gatehouse, path: str) -> None:
    await clicks(gate, "ann", PAINT, "task(a)")
    gate.upstream.meets(CONFIG)
    assert (await clicks(gate, "eve", None, path=path)).status == 409
    await finish(gate)


@pytest.mark.usefixtures("kind")
async def test_any_other_click_passes_to_the_pod_which_is_asked_once(gate: Gatehouse) -> None:
    await clicks(gate, "ann", PAINT, "task(a)")
    gate.upstream.meets(CONFIG, answering(b"17"), answering(b"18"))
    assert (await clicks(gate, "eve", COUNT, "a dog")).body == b"17"
    assert (await clicks(gate, "eve", COUNT, "a dog")).body == b"18"
    assert [exchange.request.target for exchange in gate.upstream.exchanges[1:]] == [
        b"/config",
        b"/run/predict",
        b"/run/predict",
    ]
    await finish(gate)


@pytest.mark.usefixtures("kind")
async def test_one_in_line_is_taken_out(gate: Gatehouse) -> None:
    await clicks(gate, "ann", PAINT, "task(a)")
    waiting = await clicks(gate, "bob", PAINT, "task(b)")
    gate.upstream.meets(CONFIG)
    stop = await clicks(gate, "bob", STOP)
    await gate.settled()
    assert (stop.status, json.loads(stop.body)["data"]) == (200, [])
    assert (waiting.status, gate.waiting) == (409, 0)
    await finish(gate)


async def test_forges_page_is_told_why_there_is_no_event(gate: Gatehouse) -> None:
    gate.served.profile = profile("forge")
    await clicks(gate, "ann", PAINT, "task(a)", path="/queue/join")
    await clicks(gate, "bob", PAINT, "task(b)", path="/queue/join")
    gate.upstream.meets(CONFIG)
    taken_out = await clicks(gate, "bob", STOP, path="/queue/join")
    assert (taken_out.status, "out of the line" in error(taken_out)) == (409, True)
    foreign = await clicks(gate, "eve", STOP, path="/queue/join")
    assert (foreign.status, "Nothing was stopped" in error(foreign)) == (409, True)
    await finish(gate)


async def test_forges_pod_obeys_behind_its_answer_and_the_slot_is_kept_for_that(gate: Gatehouse) -> None:
    gate.served.profile = profile("forge")
    await clicks(gate, "ann", PAINT, "task(a)", path="/queue/join")
    await clicks(gate, "bob", PAINT, "task(b)", path="/queue/join")
    gate.upstream.meets(CONFIG, answering(b'{"event_id": "e"}'))
    assert (await clicks(gate, "ann", STOP, path="/queue/join")).body == b'{"event_id": "e"}'
    await finish(gate)
    assert (gate.slot(), gate.waiting) == ("working", 1)
    await gate.passes(1)
    assert gate.waiting == 0
    await finish(gate, -1)


async def test_a_pod_whose_page_needs_a_login_shows_its_configuration_to_those_who_have_one(gate: Gatehouse) -> None:
    gate.served.profile = profile("a1111")
    gate.upstream.meets(CONFIG, answering(b"17"))
    name, value = gate.cookie("ann")
    body = b'{"fn_index": 1, "data": ["a dog"]}'
    await gate.visit("POST /run/predict", (name, f"{value}; access-token=t"), ("accept", "*/*"), body=body)
    asked = gate.upstream.exchanges[0]
    assert (asked.request.target, asked.header("cookie"), asked.header("accept")) == (
        b"/config",
        b"access-token=t",
        None,
    )


async def test_what_is_not_known_passes_and_the_log_says_so(gate: Gatehouse) -> None:
    gate.served.profile = profile("a1111")
    gate.upstream.meets(answering(b"no", 500), answering(b"17"))
    with capture_logs() as events:
        assert (await clicks(gate, "eve", STOP)).body == b"17"
    assert [event["event"] for event in events] == ["page_functions_unknown"]


async def test_while_no_pod_is_there_what_the_last_one_said_counts(gate: Gatehouse) -> None:
    """Or a job could not be taken out of the line before its pod is up."""
    gate.served.profile = profile("a1111")
    gate.upstream.meets(CONFIG, answering(b"17"))
    await clicks(gate, "ann", COUNT, "a dog")
    gate.ready()
    job = await clicks(gate, "ann", PAINT, "task(a)")
    light = await clicks(gate, "ann", COUNT, "a cat")
    assert (gate.waiting, light.status) == (2, None)
    await clicks(gate, "ann", STOP)
    assert (job.status, gate.waiting) == (409, 1)
    gate.upstream.meets(answering(b"18"))
    gate.ready("gpu-2")
    await gate.settled()
    assert light.body == b"18"


async def test_one_that_waits_for_a_first_pod_is_judged_by_what_that_says(gate: Gatehouse) -> None:
    gate.served.profile = profile("a1111")
    gate.ready()
    foreign = await clicks(gate, "eve", STOP)
    assert (foreign.status, gate.waiting) == (None, 1)
    gate.upstream.meets(CONFIG)
    gate.ready("gpu-2")
    await gate.settled()
    assert foreign.status == 409
    await gate.passes(FRESH)


@pytest.mark.usefixtures("kind")
async def test_what_ends_the_server_is_denied_whoever_clicks_and_whatever_they_call_it(gate: Gatehouse) -> None:
    gate.upstream.meets(CONFIG)
    for data in ((), ("task(e)",)):
        denied = await clicks(gate, "ann", RELOAD, *data)
        assert (denied.status, gate.record.ending, gate.record.lane) == (403, Ending.NO_ROUTE, Lane.DENIED)
    assert [exchange.request.target for exchange in gate.upstream.exchanges] == [b"/config"]


@pytest.mark.usefixtures("kind")
async def test_so_it_is_in_every_encoding_that_the_server_reads(gate: Gatehouse) -> None:
    """Starlette gives `json.loads` the bytes."""
    gate.upstream.meets(CONFIG)
    await clicks(gate, "ann", RELOAD)
    for coding in ("utf-8-sig", "utf-16", "utf-32"):
        body = json.dumps({"fn_index": RELOAD, "data": []}).encode(coding)
        assert (await gate.visit("POST /run/predict", gate.cookie("ann"), body=body)).status == 403


@pytest.mark.usefixtures("kind")
async def test_what_works_without_a_task_waits_in_line(gate: Gatehouse) -> None:
    await clicks(gate, "ann", PAINT, "task(a)")
    gate.upstream.meets(CONFIG)
    light = await clicks(gate, "bob", INTERROGATE, "data:image/png;base64,QQ==")
    assert (light.status, gate.waiting) == (None, 1)
    await finish(gate)
    assert gate.pod.request.target == b"/run/predict"
    await finish(gate, -1)
    assert gate.record.lane is Lane.COUNTED


async def test_forges_page_hears_of_such_a_job_behind_its_answer(gate: Gatehouse) -> None:
    gate.served.profile = profile("forge")
    gate.upstream.meets(CONFIG, answering(b'{"event_id": "e"}'))
    assert (await clicks(gate, "ann", INTERROGATE, path="/queue/join")).body == b'{"event_id": "e"}'
    assert gate.slot() == "working"
    await gate.passes(901)
    assert gate.quarantine() > 0


async def test_a_job_does_not_wait_outside_the_line_for_what_no_pod_has_said(gate: Gatehouse) -> None:
    gate.served.profile = profile("a1111")
    gate.ready()
    job = await clicks(gate, "ann", PAINT, "task(a)")
    assert (job.status, gate.waiting, gate.upstream.exchanges) == (None, 1, [])
    gate.upstream.meets(answering(b"{}"))
    gate.ready("gpu-2")
    await gate.settled()
    assert job.status == 200


@pytest.mark.parametrize("data", ["[]", "[null]", '["", "a dog"]', '{"0": "task(a)"}', "null", '"task(a)"'])
@pytest.mark.parametrize("path", ["/run/predict", "/api/predict", "/run/paint"])
async def test_what_paints_is_counted_whatever_its_data_looks_like(gate: Gatehouse, data: str, path: str) -> None:
    """The web UI paints without a task, too."""
    gate.served.profile = profile("a1111")
    await clicks(gate, "ann", PAINT, "task(a)")
    gate.upstream.meets(CONFIG)
    number = "" if path == "/run/paint" else f'"fn_index": {PAINT}, '
    painting = await gate.visit(f"POST {path}", gate.cookie("bob"), body=f'{{{number}"data": {data}}}'.encode())
    assert (painting.status, gate.waiting) == (None, 1)
    await finish(gate)
    await finish(gate, -1)


@pytest.mark.usefixtures("kind")
async def test_a_page_that_is_loaded_again_asks_the_pod_that_has_its_job_and_takes_no_slot(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(CONFIG, answering(b"17"))
    await clicks(gate, "eve", COUNT, "a dog")
    job = await clicks(gate, "bob", PAINT, "task(b)")
    await clicks(gate, "cid", PAINT, "task(c)")  # waits, for the same pod
    body = json.dumps({"fn_index": RESTORE, "data": ["task(b)"], "session_hash": "x"}).encode()
    for _ in range(2):  # while it is at work, and when it is not
        restoring = await gate.visit("POST /run/predict", gate.cookie("new", home="gpu-2"), body=body)
        assert (gate.pod.address, gate.pod.received, gate.driver.pool.budget.uploading) == ("gpu-1:1", body, 0)
        gate.pod.answers(b"the picture")
        await gate.settled()
        assert (restoring.body, gate.record.lane) == (b"the picture", Lane.EXEMPT)
        if job.status is None:
            await finish(gate, 2)
    await finish(gate, 4)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/run/predict", f'{{"fn_index": {RESTORE}, "data": ["task(b)"], "fn_index": {PAINT}}}'),
        ("/run/predict", f'{{"fn_index": {RESTORE}, "data": ["task(b)"]'),
        ("/api/restore", f'{{"fn_index": {PAINT}, "data": ["task(b)"]}}'),
        ("/call/paint", f'{{"fn_index": {RESTORE}, "data": ["task(b)"]}}'),
    ],
)
async def test_none_that_may_be_work_passes_for_it(gate: Gatehouse, path: str, body: str) -> None:
    gate.served.profile = profile("forge")
    await clicks(gate, "ann", PAINT, "task(a)")
    gate.upstream.meets(CONFIG, answering(b"17"))
    await clicks(gate, "eve", COUNT, "a dog")
    waiting = await gate.visit(f"POST {path}", gate.cookie("bob"), body=body.encode())
    assert (waiting.status, gate.waiting) == (None, 1)
    waiting.leaves()
    await finish(gate)


async def test_and_none_that_another_pods_page_alone_would_call_light(gate: Gatehouse) -> None:
    gate.served.profile = profile("a1111")
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(CONFIG, answering(b"17"), answering(b'{"dependencies": []}'), answering(b"a picture"))
    await clicks(gate, "eve", COUNT, "a dog")
    body = json.dumps({"fn_index": RESTORE, "data": ["task(b)"]}).encode()
    painted = await gate.visit("POST /run/predict", gate.cookie("bob", home="gpu-2"), body=body)
    assert (painted.body, gate.pod.address, gate.record.lane) == (b"a picture", "gpu-2:1", Lane.COUNTED)


QUEUED = answering(b'{"dependencies": [{"queue": null}, {"queue": null}, {"queue": false, "api_name": "halt"}]}')


async def test_a_call_without_gradios_queue_passes_while_an_event_works(gate: Gatehouse) -> None:
    """Seen with Gradio 3.41.2: Stop waited for the picture that it was to stop."""
    gate.served.profile = profile("gradio3")
    gate.upstream.meets(QUEUED)
    await clicks(gate, "ann", PAINT)
    gate.upstream.meets(answering(b"stopped"), answering(b"stopped"))
    for number, path in ((STOP, "/run/predict"), (None, "/api/halt")):
        assert (await clicks(gate, "ann", number, path=path)).body == b"stopped"
        assert (gate.record.lane, gate.slot()) == (Lane.EXEMPT, "working")
    waits = await clicks(gate, "eve", PAINT, path="/run/halt")  # the number decides, as it does in the pod
    assert (waits.status, gate.waiting) == (None, 1)
    await finish(gate, 1)
    await finish(gate, -1)


@pytest.mark.parametrize("config", [answering(b"{}", 500), answering(b'{"dependencies": []}')])
async def test_of_a_pod_that_does_not_say_so_every_call_is_counted(gate: Gatehouse, config: Any) -> None:
    gate.served.profile = profile("gradio3")
    gate.upstream.meets(config)
    with capture_logs():
        await clicks(gate, "ann", STOP)
    assert gate.slot() == "working"
    await finish(gate, -1)
