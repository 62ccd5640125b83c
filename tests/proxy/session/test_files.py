"""Clients without cookies find the files that a pod told them of."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from gateway.profiles.registry import profile
from gateway.proxy.session.files import FileHomes
from tests.doubles.scripted_upstream import answering, hanging
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse

DONE = (
    b'data: {"msg": "process_completed", "event_id": "e-1", "output": {"data": [{"path": "/tmp/g/a b.png"}]}}\n\n'
    b'data: {"msg": "close_stream"}\n\n'
)
SSE = ((b"content-type", b"text/event-stream"),)


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


def test_it_is_bounded_and_the_latest_word_counts() -> None:
    memory = FileHomes(capacity=2)
    for name in ("a", "b", "a", "c", "x" * 513):
        memory.put(name, f"has {name}")
    memory.put("a", "another")
    assert [memory.find(names) for names in (("b", "a"), ("c",), ("b",), ())] == ["another", "has c", None, None]
    assert len(memory) == 2


@pytest.fixture
async def two_pods(gate: Gatehouse) -> Gatehouse:
    gate.served.profile = profile("gradio")
    gate.ready("gpu-1", "gpu-2")
    return gate


async def fetched_from(gate: Gatehouse, *targets: str) -> set[str]:
    """Newcomers go to and fro between the pods: twice says whether it is by chance."""
    for target in targets * 2:
        gate.upstream.meets(answering())
        await gate.visit(f"GET {target}")
        await gate.passes(1)
    return {exchange.address for exchange in gate.upstream.exchanges[-2 * len(targets) :]}


@pytest.mark.anyio
async def test_a_picture_is_fetched_from_the_pod_that_painted_it(two_pods: Gatehouse) -> None:
    gate = two_pods
    gate.upstream.meets(answering(b'{"event_id": "e-1"}'), answering(DONE, 200, *SSE))
    await gate.visit("POST /queue/join", body=b'{"data": [], "session_hash": "s-1"}')
    await gate.visit("GET /queue/data?session_hash=s-1")
    await gate.settled()
    where = gate.pod.address
    assert await fetched_from(gate, "/file=/tmp/g/a%20b.png", "/gradio_api/file=/tmp/g/a%20b.png") == {where}
    assert await fetched_from(gate, "/file=/tmp/g/unknown.png") == {"gpu-1:1", "gpu-2:1"}


@pytest.mark.anyio
async def test_an_event_goes_to_the_pod_that_was_sent_its_picture(two_pods: Gatehouse) -> None:
    gate = two_pods
    gate.upstream.meets(answering(b'["/tmp/g/mine.png"]'))
    await gate.visit("POST /upload", body=b"...")
    where = gate.pod.address
    await gate.passes(1)  # the other one is idle for longer now: a newcomer's first choice
    gate.upstream.meets(answering(b"full", 503))
    await gate.visit("POST /queue/join", body=b'{"data": ["x", {"path": "/tmp/g/mine.png"}], "session_hash": "s-1"}')
    assert gate.pod.address == where


@pytest.mark.anyio
async def test_a_session_follows_its_file_to_another_pod_and_its_stream_with_it(two_pods: Gatehouse) -> None:
    gate = two_pods
    for file, where in (("a", "gpu-1"), ("b", "gpu-2"), ("b", "gpu-2")):
        gate.served.files.put(f"/tmp/g/{file}.png", where)
        gate.upstream.meets(answering(b"full", 503))
        body = b'{"data": [{"path": "/tmp/g/%s.png"}], "session_hash": "s-1"}' % file.encode()
        await gate.visit("POST /queue/join", body=body)
        assert gate.pod.address == f"{where}:1"
        gate.upstream.meets(answering(b"", 200, *SSE))
        await gate.visit("GET /queue/data?session_hash=s-1")
        assert gate.pod.address == f"{where}:1"


@pytest.mark.anyio
async def test_who_knows_a_files_name_is_nobody_by_that(two_pods: Gatehouse) -> None:
    gate = two_pods
    gate.served.files.put("/tmp/g/a.png", "gpu-2")
    gate.upstream.meets(answering())
    await gate.visit("GET /file=/tmp/g/a.png")
    assert (gate.pod.address, gate.record.session, len(gate.driver.pool.sessions)) == ("gpu-2:1", None, 0)


@pytest.fixture
async def two_comfys(gate: Gatehouse) -> Gatehouse:
    gate.served.profile = profile("comfyui")
    gate.ready("gpu-1", "gpu-2")
    return gate


@pytest.mark.anyio
async def test_a_prompt_and_its_pictures_are_asked_of_the_pod_that_made_them(two_comfys: Gatehouse) -> None:
    """Seen with ComfyUI's own example client, which keeps no cookies: it lost its results to the other pod."""
    gate = two_comfys
    history = {"p-1": {"outputs": {"9": {"images": [{"filename": "a.png", "subfolder": "", "type": "output"}]}}}}
    gate.upstream.meets(
        answering(b'{"prompt_id": "p-1"}'),
        answering(json.dumps(history).encode()),
        answering(b'{"queue_running": [], "queue_pending": []}'),
    )
    await gate.visit("POST /prompt", body=b"{}")
    where = gate.pod.address
    await gate.passes(1)
    for target in ("/history/p-1", "/api/jobs/p-1", "/view?filename=a.png&subfolder=&type=output"):
        assert await fetched_from(gate, target) == {where}
    assert await fetched_from(gate, "/view?filename=unknown.png") == {"gpu-1:1", "gpu-2:1"}


@pytest.mark.anyio
async def test_who_reads_a_history_sooner_than_the_gateway_finds_its_pictures(two_comfys: Gatehouse) -> None:
    """Seen with ComfyUI's own example client: `GET /view` went to the other pod, 3 times of 10."""
    gate = two_comfys
    gate.upstream.meets(answering(b'{"prompt_id": "p-1"}'), hanging)
    await gate.visit("POST /prompt", body=b"{}")
    at_work, where = gate.pod, gate.pod.address
    images = [{"filename": "a.png", "subfolder": "", "type": "output"}]
    told = json.dumps({"p-1": {"outputs": {"9": {"images": images}}}}).encode()
    gate.upstream.meets(answering(told))
    await gate.visit("GET /history/p-1")
    assert await fetched_from(gate, "/view?filename=a.png") == {where}
    gate.upstream.meets(answering(b'{"queue_running": [], "queue_pending": []}'))
    at_work.answers(told)
    await gate.settled()


@pytest.mark.anyio
async def test_of_two_files_of_one_name_each_client_has_its_own(two_comfys: Gatehouse) -> None:
    gate = two_comfys
    for peer, where in (("192.0.2.1", "gpu-1"), ("192.0.2.2", "gpu-2")):
        for name in (f"{peer} file:output//a.png", "file:output//a.png"):
            gate.served.files.put(name, where)
    # Whoever made none has the latest.
    for peer, where in (("192.0.2.1", "gpu-1"), ("192.0.2.2", "gpu-2"), ("192.0.2.3", "gpu-2")):
        gate.upstream.meets(answering())
        await gate.visit("GET /view?filename=a.png", peer=peer)
        assert gate.pod.address == f"{where}:1"


@pytest.mark.anyio
async def test_a_graph_goes_to_the_pod_that_was_sent_its_picture(two_comfys: Gatehouse) -> None:
    gate = two_comfys
    gate.upstream.meets(answering(b'{"name": "cat.png", "subfolder": "", "type": "input"}'))
    await gate.visit("POST /upload/image", body=b"...")
    where = gate.pod.address
    await gate.passes(1)  # the other one is idle for longer now: a newcomer's first choice
    gate.upstream.meets(answering(b"no", 400))
    graph = {"prompt": {"1": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}}}}
    await gate.visit("POST /prompt", body=json.dumps(graph).encode())
    assert gate.pod.address == where


@pytest.mark.anyio
async def test_where_the_maker_is_gone_another_is_asked(two_comfys: Gatehouse) -> None:
    gate = two_comfys
    gate.served.files.put("prompt:p-1", "gone")
    gate.upstream.meets(answering(b"{}"))
    assert (await gate.visit("GET /history/p-1")).body == b"{}"


@pytest.mark.anyio
async def test_a_page_that_has_moved_comes_back_to_the_picture_that_it_sent(two_comfys: Gatehouse) -> None:
    gate = two_comfys
    for session, where in (("mine", "gpu-1"), ("yours", "gpu-2")):
        gate.upstream.meets(answering(b'{"name": "cat.png", "subfolder": "", "type": "input"}'))
        await gate.visit("POST /upload/image", gate.cookie(session, where), body=b"...")
    graph = json.dumps({"prompt": {"1": {"class_type": "LoadImage", "inputs": {"image": "cat.png"}}}}).encode()
    for session, home, where in (("mine", "gpu-2", "gpu-1"), ("yours", "gpu-1", "gpu-2"), ("new", "gpu-1", "gpu-1")):
        sessions = gate.driver.pool.sessions
        sessions.move(sessions.touch(session, home, anyio.current_time()), home)
        gate.upstream.meets(answering(b"no", 400))
        client = await gate.visit("POST /prompt", gate.cookie(session, home), body=graph)
        assert gate.pod.address == f"{where}:1"
        assert gate.home_of(client) == (None if where == home else where)
