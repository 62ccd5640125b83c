"""A call of an MCP session is over when the session's stream has its result. Time is virtual."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.dialogues.dialogue import Answered, End, Unfollowed
from gateway.dialogues.event_stream import LINE
from gateway.dialogues.mcp_session import McpEar, McpSessions
from gateway.dialogues.told_ends import ToldJob
from tests.doubles.told_pod import ToldPod
from tests.doubles.virtual_time import virtual_time

pytestmark = pytest.mark.anyio

SESSION = "93c75c30e5034f849a32dbc41d141240"
ENDPOINT = b"event: endpoint\r\ndata: /gradio_api/mcp/messages/?session_id=%s\r\n\r\n" % SESSION.encode()


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


def opened(sessions: McpSessions) -> McpEar:
    ear = sessions.ear(())
    assert ear.heard(ENDPOINT) == [f"mcp:{SESSION}"]
    return ear


def called(sessions: McpSessions, request_id: object, *, status: int = 202, named: bool = True) -> Any:
    job = f"mcp:{SESSION}:{json.dumps(request_id)}" if named else None
    return sessions.begun(Answered(b"/mcp/messages/", (), status, b"Accepted", whole=True, job=job))


def result(request_id: object, **told: Any) -> bytes:
    message = json.dumps({"jsonrpc": "2.0", "id": request_id, **(told or {"result": {}})}, separators=(",", ":"))
    return b"event: message\r\ndata: " + message.encode() + b"\r\n\r\n"


@pytest.mark.parametrize("request_id", [0, 17, "a:1", 'ü"'])
async def test_it_is_over_with_its_result(request_id: object) -> None:
    sessions = McpSessions()
    ear, job = opened(sessions), called(sessions, request_id)
    assert isinstance(job, ToldJob)
    assert ear.wanted

    async def tell() -> None:
        await anyio.sleep(60)
        ear.heard(result("another") + result(request_id, method="sampling/createMessage"))
        assert ear.wanted
        await anyio.sleep(60)
        ear.heard(result(request_id, result={"content": "x" * LINE}))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tell)
        assert await job.until_over(ToldPod(lambda target: b"")) is End.SEEN
    assert (anyio.current_time(), ear.wanted) == (120, False)


async def test_an_id_that_is_used_again_is_another_call() -> None:
    """Small clients call everything 1."""
    sessions = McpSessions()
    ear = opened(sessions)
    for early in (False, True, False):
        if early:
            ear.heard(result(1))
        job = called(sessions, 1)
        assert job.over.is_set() == early
        if not early:
            ear.heard(result(1))
        assert await job.until_over(ToldPod(lambda target: b"")) is End.SEEN


async def test_an_error_is_an_end_too_and_may_come_before_the_202() -> None:
    sessions = McpSessions()
    opened(sessions).heard(b'data: {"error":{"code":0},"id":1,"jsonrpc":"2.0"}\n\n')
    assert await called(sessions, 1).until_over(ToldPod(lambda target: b"")) is End.SEEN


async def test_a_picture_is_remembered_by_its_address() -> None:
    told = result(1, result={"content": [{"data": "x" * LINE}, {"text": "URL: http://h/gradio_api/file=/tmp/a.png"}]})
    assert opened(McpSessions()).heard(told) == ["/tmp/a.png"]


def test_what_was_not_taken_is_no_job_and_what_has_no_name_is_told_of_by_nobody() -> None:
    sessions = McpSessions()
    assert called(sessions, 1, status=404) is None
    assert isinstance(called(sessions, 1, named=False), Unfollowed)
    assert not sessions.ear(()).wanted


@given(st.binary())
def test_no_bytes_make_it_raise(told: bytes) -> None:
    ear = opened(McpSessions())
    assert isinstance(ear.heard(b'data: {"jsonrpc":"2.0","id":"' + told + b'","result"\n\n' + told), list)
