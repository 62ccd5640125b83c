"""Clients without cookies are known by what they call themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.profiles.registry import profile
from gateway.proxy.session.client_names import ClientNames, Known, key_in
from tests.doubles.scripted_upstream import answering, hanging
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


def test_all_keys_of_a_request_lead_to_one_home() -> None:
    memory = ClientNames()
    memory.remember(("session:a", "event:1"), "s-1", "gpu-1")
    assert memory.find(("session:x", "event:1")) == Known("s-1", "gpu-1")
    memory.remember(("session:a",), "s-1", "gpu-2")
    assert memory.find(("session:a",)) == Known("s-1", "gpu-2")
    assert memory.find(()) is None


def test_a_key_is_not_taken_over() -> None:
    memory = ClientNames()
    memory.remember(("client:a",), "s-1", "gpu-1")
    memory.remember(("client:a",), "s-2", "gpu-2")
    assert memory.find(("client:a",)) == Known("s-1", "gpu-1")


def test_a_key_that_was_forgotten_is_free() -> None:
    memory = ClientNames()
    memory.remember(("session:a", "event:1"), "s-1", "gpu-1")
    memory.forget(("session:a", "session:b"))
    memory.remember(("session:a",), "s-2", "gpu-2")
    assert [memory.find((key,)) for key in ("session:a", "event:1")] == [Known("s-2", "gpu-2"), Known("s-1", "gpu-1")]


def test_it_is_bounded_and_forgets_who_was_not_seen_for_longest() -> None:
    memory = ClientNames(capacity=2)
    for key in ("a", "b"):
        memory.remember((key,), key, None)
    memory.find(("a",))
    memory.remember(("c",), "c", None)
    assert (len(memory), memory.find(("b",)), memory.find(("a",))) == (2, None, Known("a", None))


@pytest.mark.anyio
async def test_a_page_without_cookies_keeps_its_pod_and_owns_its_job(gate: Gatehouse) -> None:
    """Its websocket comes first, and holds nothing; the prompt must go to the pod that tells of it there."""
    gate.served.profile = profile("comfyui")
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(answering(), answering(b"no", 400), answering(b'{"prompt_id": "p"}'), hanging, answering())
    await gate.visit("GET /ws?clientId=page-1")
    where = gate.pod.address
    await gate.passes(1)
    await gate.visit("POST /prompt", body=b'{"client_id": "page-2"}')
    assert gate.pod.address == where  # which leaves the other one idle for longer: a newcomer's first choice
    await gate.visit("POST /prompt", body=b'{"client_id": "page-1"}')
    submitted, watched = gate.upstream.exchanges[2:]
    assert (submitted.address, watched.address) == (where, where)
    [job] = gate.served.jobs.named("p")
    assert job.session is not None
    await gate.visit("GET /ws?clientId=page-1")
    assert gate.pod.address == where
    gate.upstream.meets(answering(b'{"queue_running": [], "queue_pending": []}'))
    watched.answers(b'{"p": {}}')
    await gate.settled()


@pytest.mark.parametrize("headers", [[], [(b"x-key", b"")], [(b"x-key", b"a"), (b"x-key", b"b")], [(b"x-other", b"a")]])
def test_a_header_that_says_nothing_or_two_things_is_no_key(headers: list[tuple[bytes, bytes]]) -> None:
    assert key_in(headers, b"x-key") == ()


def test_of_a_header_no_more_than_a_hash_is_kept() -> None:
    (key,) = key_in([(b"host", b"x"), (b"x-key", b"secret")], b"x-key")
    assert key == key_in([(b"x-key", b"secret")], b"x-key")[0] != key_in([(b"x-key", b"secreu")], b"x-key")[0]
    assert ("secret" in key, len(key)) == (False, 71)


@pytest.mark.anyio
@pytest.mark.parametrize("freed", ["gpu-1", "gpu-2"])
async def test_what_a_page_opens_while_its_event_is_in_line_does_not_lead_its_stream_elsewhere(
    gate: Gatehouse, freed: str
) -> None:
    gate.served.profile = profile("gradio")
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(hanging, hanging, hanging, answering(b"full", 503), answering())
    for other in (b"other-1", b"other-2"):
        await gate.visit("POST /queue/join", body=b'{"session_hash": "%s"}' % other)
    event = await gate.visit("POST /queue/join", body=b'{"session_hash": "s-1"}')
    await gate.visit("GET /heartbeat/s-1")
    assert gate.waiting == 1
    busy, heartbeat = gate.upstream.exchanges[:2], gate.upstream.exchanges[2]
    for pod in sorted(busy, key=lambda pod: pod.address != f"{freed}:1"):
        pod.answers(b"full", 503)
        await gate.settled()
    assert (event.status, gate.pod.address) == (503, f"{freed}:1")
    await gate.visit("GET /queue/data?session_hash=s-1")
    assert gate.pod.address == f"{freed}:1"
    heartbeat.answers()
    await gate.settled()
