"""What a client is told, beside the backend's own words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.doubles.scripted_upstream import answering
from tests.doubles.virtual_time import virtual_time_of_asyncio
from tests.proxy.gatehouse import PROXY

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

BROWSER = ("accept", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


# Headers of every answer


async def test_every_answer_has_an_id_of_its_own_and_the_pod_gets_it(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"", 200, (b"x-request-id", b"the pod's")))
    first = await gate.visit("GET /paint", ("x-request-id", "forged"))
    second = await gate.visit("GET /secret")
    assert (first.header("x-request-id"), second.header("x-request-id")) == ("id-00000001", "id-00000002")
    assert gate.pod.header("x-request-id") == b"id-00000001"
    assert [record.request_id for record in gate.records] == ["id-00000001", "id-00000002"]


async def test_a_trusted_peers_id_is_kept(gate: Gatehouse) -> None:
    gate.upstream.meets(answering())
    client = await gate.visit("GET /paint", ("x-request-id", "theirs"), peer=PROXY)
    assert client.header("x-request-id") == gate.record.request_id == "theirs"


async def test_times_are_told_and_those_who_waited_learn_where(gate: Gatehouse) -> None:
    first = await gate.visit("GET /paint")
    second = await gate.visit("GET /paint")
    await gate.passes(2)
    gate.pod.answers(b"", 200, (b"server-timing", b"gpu;dur=1990"))
    await gate.settled()
    await gate.passes(1.5)
    gate.pod.answers()
    await gate.settled()
    timings = [value for name, value in first.headers if name == b"server-timing"]
    assert timings == [b"gpu;dur=1990", b"queue;dur=0.0, upstream;dur=2000.0"]
    assert second.header("server-timing") == "queue;dur=2000.0, upstream;dur=1500.0"
    assert (first.header("x-queue-position"), first.header("x-queue-wait")) == (None, None)
    assert (second.header("x-queue-position"), second.header("x-queue-wait")) == ("1", "2.000")


@pytest.mark.parametrize(("exposed", "shown"), [(False, None), (True, "gpu-1")])
async def test_the_backend_is_named_only_where_that_is_wanted(
    gate: Gatehouse, exposed: bool, shown: str | None
) -> None:
    gate.rules(expose_backend=exposed)
    gate.upstream.meets(answering())
    client = await gate.visit("GET /paint")
    assert (client.header("x-backend"), gate.record.backend) == (shown, "gpu-1")


# The gateway's own answers


async def test_programs_get_problem_json(gate: Gatehouse) -> None:
    client = await gate.visit("GET /secret", ("accept", "*/*"))
    told = json.loads(client.body)
    assert client.header("content-type") == "application/problem+json"
    assert (told["status"], told["reason"], told["pool"], told["request_id"]) == (403, "denied", "sd", "id-00000001")
    assert gate.record.bytes_out == len(client.body)


async def test_people_get_a_page(gate: Gatehouse) -> None:
    client = await gate.visit("GET /secret", BROWSER)
    assert (client.status, client.header("content-type")) == (403, "text/html; charset=utf-8")
    assert b"<h1>Not allowed</h1>" in client.body


async def test_one_that_waited_in_vain_learns_where_and_how_long(gate: Gatehouse) -> None:
    first = await gate.visit("GET /paint")
    second = await gate.visit("GET /paint", ("prefer", "wait=3"))
    await gate.passes(3)
    assert (second.status, second.header("x-queue-position")) == (503, "1")
    assert float(second.header("x-queue-wait") or 0) == pytest.approx(3, abs=0.1)
    assert (second.header("server-timing") or "").startswith("queue;dur=3")
    first.leaves()
    gate.pod.answers()


async def test_an_answer_before_the_body_was_read_ends_the_connection(gate: Gatehouse) -> None:
    unread = await gate.visit("POST /secret", announced=10)
    assert (unread.header("connection"), unread.was_asked) == ("close", False)
    bodiless = await gate.visit("POST /secret")
    assert bodiless.header("connection") is None


async def test_head_gets_no_body_but_its_length(gate: Gatehouse) -> None:
    client = await gate.visit("HEAD /secret")
    assert (client.status, client.body, client.has_all) == (403, b"", True)
    assert int(client.header("content-length") or 0) > 0
    assert gate.record.bytes_out == 0


async def test_head_of_a_backend_is_passed_on_as_it_is(gate: Gatehouse) -> None:
    client = await gate.visit("HEAD /paint")
    gate.pod.begins(200, [(b"content-length", b"1000000")], length=0)
    await gate.settled()
    assert (client.status, client.body, client.has_all) == (200, b"", True)


async def test_nothing_is_told_to_one_who_has_left(gate: Gatehouse) -> None:
    first = await gate.visit("GET /paint")
    first.leaves()
    gate.rules(drain_timeout=0)
    gate.pod.breaks_off()
    await gate.settled()
    assert (first.status, gate.record.status) == (None, 499)
    gate.quarantine()


# The request's target


@pytest.mark.parametrize(
    ("target", "sent"),
    [
        ("/paint?a=%20b", b"/paint?a=%20b"),
        ("http://sd.example/paint", b"/paint"),
        ("http://sd.example/paint?a=%20b", b"/paint?a=%20b"),
        ("*", b"*"),
    ],
)
async def test_the_pod_gets_the_clients_own_bytes_in_origin_form(gate: Gatehouse, target: str, sent: bytes) -> None:
    gate.upstream.meets(answering())
    await gate.visit(f"OPTIONS {target}")
    assert gate.pod.request.target == sent
