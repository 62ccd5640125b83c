"""Who is let in, and what becomes of the key."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from gateway.proxy.clients.bounds import Bounds, ClientBounds
from gateway.proxy.clients.door import ClientDoor
from gateway.proxy.clients.keys import ClientKeys
from tests.doubles.scripted_upstream import answering
from tests.proxy.gatehouse import reason

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

ALICE = ("authorization", "Bearer alices-key")


@pytest.fixture
def refused(gate: Gatehouse) -> list[str]:
    """The gate has a door now; why somebody was not let in."""
    told: list[str] = []
    names = {hashlib.sha256(b"alices-key").digest(): "alice"}
    gate.endpoint.door = ClientDoor(ClientKeys(names), ClientBounds(Bounds(), {}), told.append)
    return told


async def test_with_a_key_it_is_let_in_and_the_pod_does_not_see_it(gate: Gatehouse, refused: list[str]) -> None:
    gate.upstream.meets(answering(b"dog"))
    client = await gate.visit("POST /paint", ALICE, ("x-other", "1"))
    assert (client.status, gate.record.key, refused) == (200, "alice", [])
    sent = dict(gate.pod.request.headers)
    assert (b"authorization" in sent, sent[b"x-other"]) == (False, b"1")


async def test_nor_does_it_where_the_key_comes_twice(gate: Gatehouse, refused: list[str]) -> None:
    gate.upstream.meets(answering(b"dog"))
    await gate.visit("POST /paint", ("x-api-key", "alices-key"), ALICE, ("authorization", "Basic cG9kOmxvZ2lu"))
    assert b"alices-key" not in str(gate.pod.request.headers).encode()
    assert dict(gate.pod.request.headers)[b"authorization"] == b"Basic cG9kOmxvZ2lu"
    assert refused == []


BASIC = ("authorization", f"Basic {base64.b64encode(b'me:alices-key').decode()}")


@pytest.mark.parametrize(
    ("header", "origin", "status"),
    [
        (BASIC, "https://evil.example", 403),
        (BASIC, "null", 403),
        (BASIC, "https://sd.example", 200),
        (BASIC, "https://ui.example", 200),
        (ALICE, "https://evil.example", 200),
    ],
)
async def test_what_a_browser_sends_by_itself_is_no_leave_for_pages_of_other_sites(
    gate: Gatehouse, refused: list[str], header: tuple[str, str], origin: str, status: int
) -> None:
    gate.upstream.otherwise = answering(b"dog")
    assert (await gate.visit("POST /paint", header, ("origin", origin))).status == status
    assert (await gate.visit("GET /page", header, ("origin", origin))).status == 200
    assert (await gate.visit("POST /paint", header)).status == 200
    assert refused == []


async def test_nor_is_that_every_site_may_come(gate: Gatehouse, refused: list[str]) -> None:
    gate.rules(allowed_origins=frozenset({b"*"}))
    gate.upstream.otherwise = answering(b"dog")
    evil = ("origin", "https://evil.example")
    assert reason(await gate.visit("POST /paint", BASIC, evil)) == (403, "foreign_origin")
    assert (await gate.visit("POST /paint", ALICE, evil)).status == 200
    assert refused == []


async def test_pods_get_it_where_that_is_wanted(gate: Gatehouse, refused: list[str]) -> None:
    assert gate.endpoint.door is not None
    assert gate.endpoint.door.keys is not None
    gate.endpoint.door.keys.pass_on = True
    gate.upstream.meets(answering(b"dog"))
    await gate.visit("POST /paint", ALICE)
    assert dict(gate.pod.request.headers)[b"authorization"] == b"Bearer alices-key"


@pytest.mark.parametrize(
    ("headers", "why"),
    [([], "missing"), ([("x-api-key", "guess")], "unknown"), ([("authorization", "Bearer x")], "unknown")],
)
@pytest.mark.parametrize("path", ["/paint", "/page", "/progress", "/secret", "/nowhere"])
async def test_without_one_nobody_is(
    gate: Gatehouse, refused: list[str], headers: list[tuple[str, str]], why: str, path: str
) -> None:
    client = await gate.visit(f"POST {path}", *headers, body=b"never read")
    assert (reason(client), refused) == ((401, "unauthorised"), [why])
    assert [value for name, value in client.headers if name == b"www-authenticate"] == [
        b'Bearer realm="gateway"',
        b'Basic realm="gateway"',
    ]
    assert (gate.upstream.exchanges, gate.record.key, gate.record.bytes_in) == ([], None, 0)


async def test_a_preflight_passes(gate: Gatehouse, refused: list[str]) -> None:
    gate.upstream.meets(answering(b""))
    asks = [("origin", "https://ui.example"), ("access-control-request-method", "POST")]
    client = await gate.visit("OPTIONS /page", *asks)
    assert (client.status, refused) == (200, [])
    client = await gate.visit("OPTIONS /page")
    assert (client.status, refused) == (401, ["missing"])


PREFLIGHT = ("access-control-request-method", "POST")


async def test_a_preflight_that_would_cost_a_slot_or_a_start_does_not_pass(gate: Gatehouse, refused: list[str]) -> None:
    page = ("origin", "https://evil.example")
    assert reason(await gate.visit("OPTIONS /paint", page, PREFLIGHT)) == (401, "unauthorised")
    gate.ready()
    assert reason(await gate.visit("OPTIONS /page", page, PREFLIGHT)) == (401, "unauthorised")
    assert (await gate.visit("OPTIONS /paint", ("origin", "https://ui.example"), PREFLIGHT)).status == 204
    assert (gate.upstream.exchanges, gate.driver.pool.demand, refused) == ([], 0, [])


async def test_the_key_of_a_preflight_that_brings_one_stays_here(gate: Gatehouse, refused: list[str]) -> None:
    gate.upstream.meets(answering(b""))
    await gate.visit("OPTIONS /page", ("origin", "https://evil.example"), PREFLIGHT, ALICE)
    assert (gate.record.key, b"authorization" in dict(gate.pod.request.headers), refused) == ("alice", False, [])
