"""An answer that names a job tells of work that goes on behind it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.profiles.generic import generic
from gateway.profiles.rules import rule
from gateway.profiles.treatment import IdleProbe
from gateway.proxy.queued_jobs import may_name_one, names_one
from gateway.upstream.head import AnswerHead
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

JSON = (b"content-type", b"application/json")
NAMED = b'{"task_id": "0f8fad5b"}'


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


def can_be_asked(gate: Gatehouse) -> None:
    """Of its routes `/queue` alone is known."""
    profile = generic((rule("POST /queue", Lane.COUNTED),))
    gate.served.profile = replace(profile, idle=IdleProbe("/idle", lambda status, body: True))
    gate.policy(can_ask=True)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        (NAMED, True),
        (b'{"message": "Job(s) accepted", "batch_id": "batch(1)", "job_ids": ["batch(1)-0"]}', True),
        *((other, False) for other in (b"", b"null", b"[1]", b"{", b"[" * 4000, b'{"task_id": null}', b'{"a": 1}')),
    ],
)
def test_a_job_is_named_at_the_top(body: bytes, named: bool) -> None:
    assert names_one(body) is named


@pytest.mark.parametrize(
    ("status", "kind", "length", "may"),
    [
        (200, b"application/json; charset=utf-8", 40, True),
        (201, b"application/json", 4096, True),
        (200, b"application/json", 4097, False),
        (200, b"application/json", None, False),
        (200, b"application/json", 0, False),
        (422, b"application/json", 40, False),
        (200, b"text/html", 40, False),
    ],
)
def test_only_small_json_is_read_before_its_slot_is_given_back(
    status: int, kind: bytes, length: int | None, may: bool
) -> None:
    assert may_name_one(AnswerHead(status, b"", [(b"content-type", kind)], "1.1", length)) is may


@pytest.mark.parametrize(
    ("request_", "status", "body", "slot"),
    [
        ("POST /queue", 200, NAMED, "quarantined"),
        ("POST /queue", 200, b'{"images": []}', "free"),
        ("POST /queue", 202, b"", "quarantined"),
        ("POST /unknown", 200, b"done", "quarantined"),
        ("PUT /unknown", 500, b"", "quarantined"),
        ("GET /unknown", 200, b'{"queue": 3}', "free"),
        ("GET /unknown", 200, NAMED, "quarantined"),
    ],
)
async def test_the_slot_behind_it_is_kept_until_the_pod_was_asked(
    gate: Gatehouse, request_: str, status: int, body: bytes, slot: str
) -> None:
    can_be_asked(gate)
    client = await gate.visit(request_)
    gate.pod.answers(body, status, JSON)
    await gate.settled()
    assert (client.status, client.body, client.has_all, gate.slot()) == (status, body, True, slot)
    if slot == "quarantined":
        assert (gate.why_quarantined(), gate.quarantine()) == ("may go on", 900)


@pytest.mark.parametrize(("body", "slot"), [(NAMED, "quarantined"), (b"a picture" * 1000, "free")])
async def test_whose_client_has_left_is_not_read_and_the_pod_is_asked(gate: Gatehouse, body: bytes, slot: str) -> None:
    can_be_asked(gate)
    client = await gate.visit("POST /queue")
    client.leaves()
    await gate.settled()
    gate.pod.answers(body, 200, JSON)
    await gate.settled()
    assert (gate.record.ending, gate.slot()) == (Ending.CLIENT_LEFT_BEFORE_ANSWER, slot)
    gate.driver.release("gpu-1")


async def test_where_nobody_can_be_asked_it_changes_nothing(gate: Gatehouse) -> None:
    await gate.visit("POST /queue")
    gate.pod.answers(NAMED, 202, JSON)
    await gate.settled()
    assert gate.slot() == "free"
