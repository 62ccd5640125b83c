"""Gradio's events are over when their stream says so. Time is virtual."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest

from gateway.dialogues.dialogue import Answered, End, Unfollowed
from gateway.dialogues.event_stream import LINE
from gateway.dialogues.gradio_events import GradioEvents, gradio_call, gradio_stream
from gateway.dialogues.told_ends import ToldJob
from tests.doubles.told_pod import ToldPod
from tests.doubles.virtual_time import virtual_time

pytestmark = pytest.mark.anyio

KEYS = ("session:s-1",)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


def joined(
    events: GradioEvents, name: str = "e-1", keys: tuple[str, ...] = KEYS, *, status: int = 200
) -> ToldJob | Unfollowed | None:
    answer = json.dumps({"event_id": name}).encode()
    return events.begun(Answered(b"/queue/join", keys, status, answer, whole=True))


def message(kind: str, event_id: str | None, **more: Any) -> bytes:
    return b"data: " + json.dumps({"msg": kind, "event_id": event_id, **more}).encode() + b"\n\n"


def pod() -> ToldPod:
    return ToldPod(lambda target: b"")


async def test_it_is_over_when_its_sessions_stream_tells_so() -> None:
    events = gradio_stream()
    event, ear = joined(events), events.ear(KEYS)
    assert isinstance(event, ToldJob)
    assert (event.name, event.keys) == ("e-1", ("event:e-1",))
    assert ear is not None
    assert ear.wanted

    async def tell() -> None:
        await anyio.sleep(60)
        ear.heard(message("process_starts", "e-1") + message("heartbeat", None) + message("process_completed", "e-2"))
        assert ear.wanted
        await anyio.sleep(60)
        ear.heard(message("process_completed", "e-1", output={"data": ["x"]}, success=True))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(tell)
        assert await event.until_over(pod()) is End.SEEN
    assert (anyio.current_time(), ear.wanted) == (120, False)


async def test_its_end_may_be_told_before_the_answer_that_names_it_was_read() -> None:
    events = gradio_stream()
    ear = events.ear(KEYS)
    assert ear is not None
    ear.heard(message("process_completed", "e-1"))
    event = joined(events)
    assert isinstance(event, ToldJob)
    assert (ear.wanted, await event.until_over(pod())) == (False, End.SEEN)


async def test_an_output_of_megabytes_hides_nothing_and_a_forged_one_in_it_ends_nothing() -> None:
    events = gradio_stream()
    event, ear = joined(events), events.ear(KEYS)
    assert isinstance(event, ToldJob)
    assert ear is not None
    forged = message("process_completed", "e-1").decode()
    ear.heard(message("process_generating", "e-1", output=forged + "x" * LINE))
    ear.heard(message("log", "e-1", log=forged))
    assert not event.over.is_set()
    ear.heard(message("process_completed", "e-1", output="x" * LINE))
    assert event.over.is_set()


async def test_a_call_has_a_stream_of_its_own() -> None:
    events = gradio_call()
    event, ear, other = joined(events), events.ear(("session:s-1", "event:e-1")), events.ear(("event:e-2",))
    assert isinstance(event, ToldJob)
    assert ear is not None
    assert other is not None
    other.heard(b"event: complete\ndata: []\n\n")
    ear.heard(b"event: generating\ndata: []\n\nevent: heartbeat\ndata: null\n\n")
    assert not event.over.is_set()
    ear.heard(b"event: error\ndata: null\n\n")
    assert event.over.is_set()
    assert (events.ear(()), events.ear(KEYS)) == (None, None)


async def test_a_pod_that_is_gone_works_on_nothing() -> None:
    events, dead = gradio_stream(), pod()
    event = joined(events)
    assert isinstance(event, ToldJob)

    async def die() -> None:
        await anyio.sleep(30)
        dead.gone = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(die)
        assert await event.until_over(dead) is End.LOST
    assert 30 <= anyio.current_time() <= 36
    assert not events.is_told_of("session:s-1")


async def test_what_is_no_event_and_what_nobody_will_tell_of() -> None:
    events = gradio_stream()
    assert joined(events, status=503) is None
    for untold in (joined(events, keys=()), joined(events, name=""), joined(events, name="x" * 129)):
        assert isinstance(untold, Unfollowed)
        assert await untold.until_over(pod()) is End.UNSEEN


async def test_what_has_ended_is_not_remembered_for_ever() -> None:
    events = gradio_stream()
    ear = events.ear(KEYS)
    assert ear is not None
    for number in range(2000):
        ear.heard(message("process_completed", f"e-{number}"))
    first, last = joined(events, "e-0"), joined(events, "e-1999")
    assert isinstance(first, ToldJob)
    assert isinstance(last, ToldJob)
    assert (first.over.is_set(), last.over.is_set()) == (False, True)
