"""What is known of ComfyUI."""

from __future__ import annotations

import json

import pytest

from gateway.core.records.lanes import Lane, ModelNeed, WhenBusy
from gateway.profiles.comfyui import comfyui
from gateway.profiles.rules import rule
from gateway.profiles.treatment import Asked, Control, More, Place, Treatment, Verb

HEAVY = ["POST /prompt", "POST /easyuse/anything", "DELETE /anything", "POST /jobs/p1", "PUT /prompt"]
LIGHT = [
    *("GET /", "GET /assets/index.js", "GET /view", "GET /object_info", "GET /object_info/KSampler", "GET /models/vae"),
    *("POST /upload/image", "POST /userdata/a.json", "GET /extensions", "OPTIONS /prompt", "HEAD /"),
    *("POST /free", "POST /assets", "POST /assets/a/tags", "PATCH /internal/logs/subscribe"),
    *("GET /userdata/workflows%2Fa.json", "POST /userdata/workflows%2Fa%20b.json/move/workflows%2Fc.json"),
]
POLLED = [
    *("GET /prompt", "GET /queue", "GET /history", "GET /history/p1", "GET /jobs/p1", "GET /system_stats", "GET /ws"),
    *("POST /interrupt", "POST /queue", "POST /jobs/p1/cancel", "POST /jobs/cancel"),
]
FORBIDDEN = [
    *("GET /manager/reboot", "POST /v2/manager/reboot", "POST /customnode/install/git_url"),
    *("POST /v2/manager/queue/batch", "POST /manager/queue/install", "GET /snapshot/restore"),
    *("GET /manager/queue/start", "POST /customnode/switch_version", "GET /snapshot/remove"),
    *("POST /v2/comfyui_manager/comfyui_switch_version", "GET /comfyui_manager/comfyui_switch_version"),
]


def treated(request: str, query: bytes = b"", body: object = None) -> Treatment:
    method, path = request.split(" ")
    treatment = comfyui().treat(method, path.encode())
    if treatment.more is None or treatment.more.ask is None:
        return treatment
    sent = b"" if body is None else json.dumps(body).encode()
    return treatment.more.ask(Asked(method, path.encode(), query, sent))


def more_of(treatment: Treatment) -> More:
    assert treatment.more is not None
    return treatment.more


def control_of(treatment: Treatment) -> Control:
    control = more_of(treatment).control
    assert control is not None
    return control


def test_a_rule_over_a_prompt_is_told_no_less_of_it() -> None:
    spill = rule("POST /prompt", Lane.COUNTED, WhenBusy.SPILL, configured=True)
    treatment = comfyui([spill]).treat("POST", b"/prompt")
    more = more_of(treatment)
    assert (treatment.when_busy, more.by_body, more.ask is not None) == (WhenBusy.SPILL, True, True)
    assert more.ask is not None
    settled = more.ask(Asked("POST", b"/prompt", b"", b'{"prompt_id": "p1", "client_id": "c1"}'))
    assert settled.when_busy is WhenBusy.SPILL
    assert more_of(settled) == more_of(treated("POST /prompt", body={"prompt_id": "p1", "client_id": "c1"}))


@pytest.mark.parametrize("prefix", ["", "/api"])
@pytest.mark.parametrize(
    ("requests", "lane"),
    [(HEAVY, Lane.COUNTED), (LIGHT, Lane.EXEMPT), (POLLED, Lane.PASSIVE), (FORBIDDEN, Lane.DENIED)],
)
def test_lanes(prefix: str, requests: list[str], lane: Lane) -> None:
    prefixed = [request.replace(" ", f" {prefix}") for request in requests]
    assert {request: treated(request).lane for request in prefixed} == dict.fromkeys(prefixed, lane)


def test_a_prompt_is_a_job_that_outlasts_its_request() -> None:
    graph = {"4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "sd/a.safetensors"}}}
    treatment = treated("POST /api/prompt", body={"prompt": graph, "client_id": "c1", "prompt_id": "p1"})
    more = more_of(treatment)
    assert (treatment.lane, treatment.when_busy, more.dialogue) == (Lane.COUNTED, WhenBusy.WAIT, "comfyui_job")
    assert (more.job, more.need, more.session_keys) == ("p1", ModelNeed("a"), ("client:c1",))


def test_a_page_s_socket_has_the_name_of_its_prompts() -> None:
    socket = more_of(treated("GET /ws", b"clientId=c1"))
    assert (socket.session_keys, socket.tells_of_jobs) == (("client:c1",), True)
    assert more_of(treated("GET /ws", b"")).session_keys == ()
    assert more_of(treated("GET /ws", b"clientId=" + b"c" * 5000)).session_keys == ()


@pytest.mark.parametrize(("body", "jobs"), [({"prompt_id": "p1"}, ("p1",)), ({}, ()), (None, ())])
def test_an_interrupt_is_the_owners(body: object, jobs: tuple[str, ...]) -> None:
    control = control_of(treated("POST /interrupt", body=body))
    assert (control.verb, control.jobs, control.held(Place(1, 1)).status) == (Verb.STOP, jobs, 200)
    assert control.foreign is not None
    assert b"Nothing was stopped" in control.foreign.body


def test_the_queue_is_cleared_of_ones_own() -> None:
    control = control_of(treated("POST /queue", body={"delete": ["p1", 5]}))
    assert (control.verb, control.jobs, control.held(Place(1, 1)).status) == (Verb.UNQUEUE, ("p1",), 200)
    assert control_of(treated("POST /queue", body={"clear": True, "delete": ["p1"]})).jobs == ()
    assert more_of(treated("POST /queue", body={"delete": []})).control is None


@pytest.mark.parametrize(
    ("status", "body", "ready", "idle"),
    [
        (200, {"system": {}, "devices": []}, True, False),
        (200, {"queue_running": [], "queue_pending": []}, False, True),
        (200, {"queue_running": [[0, "p1"]], "queue_pending": []}, False, False),
        (200, {"queue_running": [], "queue_pending": [[1, "p2"]]}, False, False),
        (500, {"queue_running": [], "queue_pending": [], "system": {}}, False, False),
        (200, [], False, False),
    ],
)
def test_readiness_and_idleness(status: int, body: object, ready: bool, idle: bool) -> None:
    profile = comfyui()
    assert profile.idle is not None
    sent = json.dumps(body).encode()
    assert (profile.readiness.accepts(status, sent), profile.idle.says_idle(status, sent)) == (ready, idle)
    assert not profile.idle.says_idle(200, b"[" * 100_000)


def test_it_can_be_interrupted_and_works_on_without_a_page() -> None:
    profile = comfyui()
    assert profile.interrupt is not None
    assert (profile.interrupt.path, profile.works_after_disconnect, profile.own_host) == ("/interrupt", True, True)


def test_it_is_known_where_a_prompt_and_its_files_are() -> None:
    assert more_of(treated("GET /history/p%2D1")).made == ("prompt:p-1",)
    assert more_of(treated("GET /api/jobs/p1")).made == ("prompt:p1",)
    view = treated("GET /view", b"filename=a%20b.png&subfolder=x&type=temp")
    assert (view.lane, more_of(view).made) == (Lane.EXEMPT, ("file:temp/x/a b.png",))
    assert more_of(treated("GET /view", b"filename=a.png")).made == ("file:output//a.png",)
    assert more_of(treated("GET /view", b"")).made == ()
    assert treated("GET /view", b"filename=" + b"a" * 5000).more is None


@pytest.mark.parametrize(
    ("request_", "body", "jobs", "foreign"),
    [
        ("POST /jobs/p%2D1/cancel", None, ("p-1",), b'{"cancelled": false}'),
        ("POST /api/jobs/cancel", {"job_ids": ["p1", "p2"]}, ("p1", "p2"), b'{"cancelled": false}'),
        ("POST /jobs/cancel", None, ("",), b'{"error":"job_ids must be a list of ids of prompts, and none was found"}'),
    ],
)
def test_jobs_are_cancelled_by_name(request_: str, body: object, jobs: tuple[str, ...], foreign: bytes) -> None:
    control = control_of(treated(request_, body=body))
    assert control.foreign is not None
    assert (control.verb, control.jobs, control.foreign.body) == (Verb.STOP, jobs, foreign)
    assert control.held(Place(1, 1)).body == b'{"cancelled": true}'


def test_a_refusal_is_told_in_the_words_that_its_page_reads() -> None:
    refusal = comfyui().refusal
    assert refusal is not None
    told = refusal("Queue full", "50 wait.")
    assert told["node_errors"] == {}
    assert told["error"] == {"type": "gateway", "message": "Queue full", "details": "50 wait.", "extra_info": {}}
