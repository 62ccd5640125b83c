"""Which functions of a page are not light, as the pods say. Time is virtual."""

from __future__ import annotations

import json
from typing import Any

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.profiles.treatment import Functions, PageFunctions
from gateway.profiles.webui_functions import functions_probe
from gateway.proxy.pool.ui_functions import FRESH, RETRY, UiFunctions
from tests.doubles.told_pod import ToldPod
from tests.doubles.virtual_time import virtual_time_of_asyncio

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


def configuration(place: int) -> bytes:
    """Of a page on which one function stops the job."""
    components = [{"id": 1, "type": "button", "props": {"elem_id": "txt2img_interrupt"}}]
    return json.dumps({"components": components, "dependencies": [{}] * place + [{"targets": [1]}]}).encode()


async def of(functions: UiFunctions, pod: ToldPod, name: str = "gpu-1") -> set[int]:
    return set((await functions.of(name, pod, functions_probe(bool), ["gpu-1"])).stopping.numbers)


async def test_a_pod_is_asked_once_and_again_when_that_is_old() -> None:
    functions, place = UiFunctions(), 3
    pod = ToldPod(lambda target: configuration(place))
    assert functions.last is None
    async with anyio.create_task_group() as tasks:  # two that come at once ask once
        tasks.start_soon(of, functions, pod)
        tasks.start_soon(of, functions, pod)
    assert (await of(functions, pod), pod.asked) == ({3}, ["/config"])
    place = 4  # its page was made anew
    await anyio.sleep(FRESH - 1)
    assert await of(functions, pod) == {3}
    await anyio.sleep(1)
    assert (await of(functions, pod), len(pod.asked)) == ({4}, 2)
    await anyio.sleep(FRESH)
    assert (await of(functions, pod), len(pod.asked)) == ({4}, 3)
    assert functions.last == PageFunctions(stopping=Functions(frozenset({4})))


async def test_one_that_says_nothing_is_asked_again_soon_and_the_log_says_so() -> None:
    functions = UiFunctions()
    answer: bytes | None = None
    pod = ToldPod(lambda target: answer)
    with capture_logs() as events:
        assert await of(functions, pod) == set()
    assert [(event["event"], event["backend"]) for event in events] == [("page_functions_unknown", "gpu-1")]
    answer = configuration(2)
    assert await of(functions, pod) == set()
    await anyio.sleep(RETRY)
    assert await of(functions, pod) == {2}


async def test_what_it_said_before_counts_while_it_says_nothing() -> None:
    functions = UiFunctions()
    pod = ToldPod(lambda target: configuration(2))
    await of(functions, pod)
    pod.answers = lambda target: b"busy"
    await anyio.sleep(FRESH)
    with capture_logs() as events:
        assert (await of(functions, pod), events) == ({2}, [])


async def test_pods_that_are_gone_are_forgotten() -> None:
    functions = UiFunctions()
    pod = ToldPod(lambda target: configuration(1))
    await of(functions, pod)
    for number in range(20):
        await of(functions, pod, f"gone-{number}")
    before = len(pod.asked)
    await of(functions, pod)
    assert len(pod.asked) == before
    await of(functions, pod, "gone-0")
    assert len(pod.asked) == before + 1
