"""Which of MCP's messages may run a function, and which session one is of."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles.gradio import gradio
from gateway.profiles.treatment import Asked, Place, Treatment, Verb

#: Where messages are posted.
CALLED = [
    *("POST /gradio_api/mcp", "POST /gradio_api/mcp/", "POST /gradio_api/mcp/http", "POST /gradio_api/mcp/http/"),
    *("POST /gradio_api/mcp/messages/", "POST /mcp/"),
]
SESSION = "93c75c30e5034f849a32dbc41d141240"

LIGHT = [
    *("initialize", "ping", "tools/list", "resources/list", "resources/templates/list", "prompts/list"),
    *("notifications/initialized", "notifications/progress", "logging/setLevel", "server/discover"),
    "subscriptions/listen",
]
HEAVY = ["tools/call", "resources/read", "prompts/get", "completion/complete", "", "Ping", "tools/list "]


def treated(body: bytes, path: str = "/gradio_api/mcp/", query: str = "", *, whole: bool = True) -> Treatment:
    treatment = gradio().treat("POST", path.encode())
    assert treatment.lane is Lane.COUNTED
    assert treatment.more is not None
    assert treatment.more.by_body
    assert treatment.more.ask is not None
    return treatment.more.ask(Asked("POST", path.encode(), query.encode(), body, whole))


def message(method: str, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, **more}


def in_session(said: dict[str, Any]) -> Treatment:
    return treated(json.dumps(said).encode(), "/gradio_api/mcp/messages/", f"session_id={SESSION}")


@pytest.mark.parametrize("path", [each.removeprefix("POST ") for each in CALLED])
def test_what_only_asks_takes_no_slot_wherever_it_is_posted(path: str) -> None:
    lanes = {method: treated(json.dumps(message(method)).encode(), path).lane for method in (*LIGHT, *HEAVY)}
    assert lanes == {**dict.fromkeys(LIGHT, Lane.EXEMPT), **dict.fromkeys(HEAVY, Lane.COUNTED)}


@pytest.mark.parametrize(
    ("body", "lane"),
    [
        (json.dumps([message("ping"), message("tools/list")]).encode(), Lane.EXEMPT),
        (json.dumps([message("ping"), message("tools/call"), message("ping")]).encode(), Lane.COUNTED),
        (b'[{"method": "ping"}, 5]', Lane.COUNTED),
        (b'[{"method": "ping"}, [{"method": "tools/call"}]]', Lane.COUNTED),
        (b"[]", Lane.COUNTED),
        (b'{"id": 1, "result": {}}', Lane.EXEMPT),  # to a question of the server
        (b'{"id": 1, "error": {}}', Lane.EXEMPT),
        (b'{"method": "ping", "method": "tools/call"}', Lane.COUNTED),
        (b'{"m\\u0065thod": "tools/call", "result": 1}', Lane.COUNTED),
        (b'{"method": {"method": "ping"}}', Lane.COUNTED),
        (b'{"params": {"method": "ping"}}', Lane.COUNTED),
        (b'{"method": "ping"', Lane.COUNTED),
        ('{"method": "ping"}'.encode("utf-16"), Lane.COUNTED),
        (b'"ping"', Lane.COUNTED),
        (b"", Lane.COUNTED),
    ],
)
def test_what_cannot_be_seen_to_be_light_is_counted(body: bytes, lane: Lane) -> None:
    assert treated(body).lane is lane
    assert treated(body, whole=False).lane is Lane.COUNTED


def test_any_pod_answers_a_call_but_for_the_files_that_it_names() -> None:
    call = treated(json.dumps(message("tools/call", params={"name": "paint", "arguments": {"x": "a dog"}})).encode())
    assert (call.when_busy, call.more and call.more.files) == (WhenBusy.SPILL, ())
    arguments = {"x": "/tmp/g/cat.png", "deep": {"y": "/tmp/g/b.png"}, "n": 1}
    call = treated(json.dumps(message("tools/call", params={"name": "turn", "arguments": arguments})).encode())
    assert (call.when_busy, call.more and call.more.files) == (WhenBusy.WAIT, ("/tmp/g/cat.png",))


def test_a_sessions_message_goes_to_its_pod_and_a_call_is_a_job_there() -> None:
    call, light = in_session(message("tools/call", id="a:1")), in_session(message("ping"))
    assert call.more is not None
    assert light.more is not None
    assert call.more.made == light.more.made == (f"mcp:{SESSION}",)
    assert (call.lane, call.more.dialogue, call.more.job) == (Lane.COUNTED, "mcp_session", f'mcp:{SESSION}:"a:1"')
    assert light.more.control is None


@pytest.mark.parametrize("query", ["", "session_id=", "x=" + "y" * 5000, f"session_id={SESSION.upper()}"])
def test_a_call_of_no_session_has_no_name(query: str) -> None:
    more = treated(json.dumps(message("tools/call", id=True)).encode(), "/mcp/messages/", query).more
    assert more is not None
    assert more.job is None


def test_who_cancels_takes_the_call_out_of_the_line_and_stops_nothing() -> None:
    said = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 3, "reason": "late"}}
    more = in_session(said).more
    assert more is not None
    control = more.control
    assert control is not None
    assert (control.verb, control.jobs) == (Verb.UNQUEUE, (f"mcp:{SESSION}:3",))
    assert control.held(Place(1, 1)) == control.foreign
    assert control.foreign is not None
    assert control.foreign.status == 202
    unnamed = in_session({"method": "notifications/cancelled", "params": {}}).more
    assert unnamed is not None
    assert unnamed.control is None


@pytest.mark.parametrize(
    ("request_", "lane"),
    [
        ("GET /gradio_api/mcp/sse", Lane.EXEMPT),  # a session begins with it, so it wakes a pod
        ("GET /gradio_api/mcp/schema", Lane.EXEMPT),
        ("GET /gradio_api/mcp/", Lane.PASSIVE),
        ("GET /gradio_api/mcp", Lane.PASSIVE),
        ("DELETE /gradio_api/mcp/", Lane.EXEMPT),
        ("PUT /gradio_api/mcp/", Lane.COUNTED),
        ("POST /gradio_api/mcp/other", Lane.COUNTED),
    ],
)
def test_lanes_of_the_rest(request_: str, lane: Lane) -> None:
    method, path = request_.split(" ")
    assert gradio().treat(method, path.encode()).lane is lane
