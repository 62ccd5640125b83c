"""A prompt is followed from the answer to its submission until the pod is done with it. Time is virtual."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from gateway.dialogues.comfyui_job import ComfyJobs
from gateway.dialogues.dialogue import Answered, End, Unfollowed
from tests.doubles.told_pod import ToldPod
from tests.doubles.virtual_time import virtual_time

if TYPE_CHECKING:
    from gateway.dialogues.dialogue import Job

pytestmark = pytest.mark.anyio

SUBMITTED = b'{"prompt_id": "p-1", "number": 1, "node_errors": {}}'


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


def begun(body: bytes = SUBMITTED, *, path: bytes = b"/prompt", status: int = 200, whole: bool = True) -> Job | None:
    return ComfyJobs().begun(Answered(path, (), status, body, whole))


def queue(*running: str, pending: tuple[str, ...] = ()) -> bytes:
    rows = [[[0, name, {}, {}, []] for name in names] for names in (running, pending)]
    return json.dumps({"queue_running": rows[0], "queue_pending": rows[1]}).encode()


async def over(pod: ToldPod, path: bytes = b"/prompt", body: bytes = SUBMITTED) -> tuple[End, float]:
    """How it ended, and when."""
    job = begun(body, path=path)
    assert job is not None
    return await job.until_over(pod), anyio.current_time()


def painting(until: float, *, gap: float = 0.0) -> ToldPod:
    """At work on p-1 until then; for a while after that it is nowhere."""

    def answers(target: str) -> bytes:
        now = anyio.current_time()
        if target == "/queue":
            return queue("p-1") if now < until else queue()
        return b'{"p-1": {"outputs": {}}}' if now >= until + gap else b"{}"

    return ToldPod(answers)


@pytest.mark.parametrize("seconds", [0, 0.3, 20, 600])
async def test_it_is_over_when_it_is_in_the_history_and_that_is_seen_soon(seconds: float) -> None:
    end, at = await over(painting(until=seconds))
    assert end is End.SEEN
    assert seconds <= at <= seconds + max(0.1, min(seconds * 0.03, 1.1))


async def test_between_queue_and_history_it_is_not_lost() -> None:
    assert (await over(painting(until=10, gap=0.1)))[0] is End.SEEN


async def test_one_that_is_in_neither_twice_is_lost() -> None:
    end, at = await over(ToldPod(lambda target: queue("other") if target == "/queue" else b"{}"))
    assert (end, at < 5) == (End.LOST, True)


@pytest.mark.parametrize(
    "says", [None, b"Internal Server Error", queue("p-1"), queue(pending=("p-1",)), queue("p-1") + b" " * (5 << 20)]
)
async def test_as_long_as_nobody_says_that_it_is_gone_it_is_there(says: bytes | None) -> None:
    pod = ToldPod(lambda target: says if target == "/queue" else None if says is None else b"{}")
    with anyio.move_on_after(3600) as patience:
        await over(pod)
    assert patience.cancelled_caught


async def test_an_error_in_the_historys_place_is_not_the_history() -> None:
    pod = ToldPod(lambda target: b"Bad Gateway", status=502)
    with anyio.move_on_after(3600) as patience:
        await over(pod)
    assert patience.cancelled_caught


async def test_a_pod_that_has_ended_works_on_nothing() -> None:
    pod = painting(until=3600)
    pod.gone = True
    assert await over(pod) == (End.LOST, 0)


async def test_it_is_asked_for_where_it_was_submitted_and_by_its_name_alone() -> None:
    pod = ToldPod(lambda target: queue() if target.endswith("/queue") else b'{"x": {}}')
    await over(pod, b"/api/prompt", rb'{"prompt_id": "../\u00e9?"}')
    assert pod.asked == ["/api/history/..%2F%C3%A9%3F", "/api/queue"]


async def test_a_name_that_was_used_before_is_over_when_the_queue_no_longer_has_it() -> None:
    working = painting(until=10).answers
    end, at = await over(ToldPod(lambda target: working(target) if target == "/queue" else b'{"p-1": {"outputs": {}}}'))
    assert (end, 10 <= at < 11) == (End.SEEN, True)


async def test_what_it_made_is_known_by_name_once_it_is_over() -> None:
    """The shape of ComfyUI 0.3's /history/ID; of one that is too long nothing is known, and it is over all the same."""
    image = {"filename": "a_00001_.png", "subfolder": "x", "type": "output"}
    history = json.dumps({"p-1": {"prompt": [], "outputs": {"9": {"images": [image], "text": ["a", 1]}}}}).encode()
    for body, files in ((history, ("file:output/x/a_00001_.png",)), (history + b" " * (5 << 20), ())):
        told = {"/history/p-1": body, "/queue": queue()}
        pod, job = ToldPod(told.get), begun()
        assert job is not None
        assert job.made == ("prompt:p-1",)
        assert await job.until_over(pod) is End.SEEN
        assert job.made == ("prompt:p-1", *files)


def test_what_was_refused_is_no_job() -> None:
    assert begun(b'{"error": {}}', status=400) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"prompt_id": 1}', b'{"prompt_id": "%s"}' % (b"x" * 129)])
async def test_one_without_a_name_that_can_be_read_is_not_followed(body: bytes) -> None:
    job = begun(body)
    assert isinstance(job, Unfollowed)
    assert await job.until_over(ToldPod(lambda target: None)) is End.UNSEEN
    assert isinstance(begun(whole=False), Unfollowed)


async def test_one_that_broke_has_failed_and_one_that_was_stopped_has_not() -> None:
    for message, expected in (("execution_error", End.FAILED), ("execution_interrupted", End.SEEN)):
        said = [message, {"exception_type": "RuntimeError", "exception_message": "no GPU"}]
        history = json.dumps({"p-1": {"outputs": {}, "status": {"status_str": "error", "messages": [said]}}}).encode()
        job = begun()
        assert job is not None
        assert await job.until_over(ToldPod({"/history/p-1": history, "/queue": queue()}.get)) is expected
        assert job.failure == ("RuntimeError: no GPU" if expected is End.FAILED else "")
