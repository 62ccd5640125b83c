"""Which session a request has, and what its client is told of it; how long it would wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.lanes import WhenBusy
from gateway.core.views.snapshot import short_hash
from gateway.profiles.a1111 import a1111
from tests.doubles.scripted_upstream import (
    answering,
    breaking_off,
)
from tests.doubles.virtual_time import virtual_time_of_asyncio
from tests.proxy.gatehouse import PROXY, TTL, reason

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


async def test_the_very_first_answer_tells_a_client_its_home(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"", 500, (b"cache-control", b"max-age=60")))
    client = await gate.visit("GET /page")
    assert (gate.home_of(client), gate.record.session) == ("gpu-1", None)
    assert "Secure" not in (client.header("set-cookie") or "")
    assert (b"cache-control", b"private") in client.headers


async def test_who_came_by_https_gets_a_cookie_for_https(gate: Gatehouse) -> None:
    gate.upstream.meets(answering())
    client = await gate.visit("GET /page", ("x-forwarded-proto", "https"), peer=PROXY)
    assert "; Secure" in (client.header("set-cookie") or "")


async def test_a_cookie_takes_its_client_home_and_stays_with_the_gateway(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(answering())
    name, value = gate.cookie("mine", "gpu-2")
    client = await gate.visit("GET /paint", (name, f"theme=dark; {value}"))
    assert (gate.pod.address, gate.pod.header("cookie")) == ("gpu-2:1", b"theme=dark")
    assert (gate.home_of(client), gate.record.session) == (None, short_hash("mine"))
    assert gate.verdicts == [("sd", "valid")]


async def test_a_cookie_past_half_its_life_is_renewed(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.upstream.meets(answering())
    client = await gate.visit("GET /paint", gate.cookie("mine", "gpu-2", age=TTL / 2 + 2))
    assert (gate.home_of(client), (client.header("set-cookie") or "")[:8]) == ("gpu-2", "sd=mine.")


@pytest.mark.parametrize(("value", "verdict"), [("sd=forged", "invalid"), ("theme=dark", "none")])
async def test_what_does_not_verify_is_no_cookie(gate: Gatehouse, value: str, verdict: str) -> None:
    gate.upstream.meets(answering())
    client = await gate.visit("GET /paint", ("cookie", value))
    assert (gate.home_of(client), gate.verdicts) == ("gpu-1", [("sd", verdict)])


async def test_an_expired_cookie_is_no_cookie(gate: Gatehouse) -> None:
    gate.upstream.meets(answering())
    client = await gate.visit("GET /paint", gate.cookie("mine", age=TTL + 2))
    assert (gate.home_of(client), gate.verdicts) == ("gpu-1", [("sd", "expired")])
    assert "mine" not in (client.header("set-cookie") or "")


async def test_a_session_moves_when_its_home_is_gone(gate: Gatehouse) -> None:
    gate.upstream.meets(answering())
    client = await gate.visit("GET /paint", gate.cookie("mine", "gpu-9"))
    assert (gate.home_of(client), (client.header("set-cookie") or "")[:8]) == ("gpu-1", "sd=mine.")


async def test_a_session_waits_for_its_busy_home(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2")
    working = await gate.visit("GET /paint", gate.cookie("hers", "gpu-2"))
    waiting = await gate.visit("GET /paint", gate.cookie("mine", "gpu-2"))
    assert (gate.waiting, gate.slot("gpu-1")) == (1, "free")
    gate.upstream.meets(answering(b"at home"))
    gate.pod.answers()
    await gate.settled()
    assert (waiting.body, working.has_all) == (b"at home", True)


@pytest.mark.parametrize("age", [0, TTL / 2 + 2])
async def test_a_spill_leaves_home_where_it_is(gate: Gatehouse, age: float) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.rules(when_busy=WhenBusy.SPILL)
    working = await gate.visit("GET /paint", gate.cookie("hers", "gpu-2"))
    gate.upstream.meets(answering())
    spilled = await gate.visit("GET /paint", gate.cookie("mine", "gpu-2", age=age))
    assert gate.pod.address == "gpu-1:1"
    assert gate.home_of(spilled) == ("gpu-2" if age else None)
    working.leaves()
    gate.upstream.exchanges[0].answers()


async def test_passive_requests_have_no_part_in_it(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(), answering())
    new = await gate.visit("GET /progress")
    old = await gate.visit("GET /progress", gate.cookie("mine", age=TTL - 2))
    assert (new.header("set-cookie"), old.header("set-cookie")) == (None, None)
    assert [record.session for record in gate.records] == [None, short_hash("mine")]  # its line says whose it was
    assert [record.receipt for record in gate.records] == ["", ""]  # no slot, no wait: nothing to tell
    assert len(gate.driver.pool.sessions) == 0


async def test_answers_of_the_gateway_set_no_cookie(gate: Gatehouse) -> None:
    gate.upstream.meets(breaking_off)
    client = await gate.visit("POST /paint", gate.cookie("mine", "gpu-9", age=TTL / 2 + 2))
    assert (client.status, client.header("set-cookie")) == (502, None)
    gate.quarantine()


@pytest.mark.parametrize(
    ("prefer", "seconds"), [("wait=5", 5), ("respond-async, WAIT = 7", 7), ('wait="8"', 8), ("wait=999999999", 100)]
)
async def test_a_client_may_wait_less_long(gate: Gatehouse, prefer: str, seconds: float) -> None:
    gate.ready()
    client = await gate.visit("POST /paint", ("prefer", "return=minimal"), ("prefer", prefer))
    await gate.passes(seconds - 0.5)
    assert not client.has_all
    await gate.passes(0.5)
    assert reason(client) == (503, "client_limit")


async def test_a_request_says_which_model_it_needs(gate: Gatehouse) -> None:
    gate.served.profile = a1111()
    gate.policy(model_switch_cost=20.0)
    gate.upstream.meets(answering())
    await gate.visit("POST /sdapi/v1/txt2img", body=b'{"override_settings": {"sd_model_checkpoint": "sd/a.ckpt"}}')
    assert gate.driver.snapshot().backends[0].model == "a"


async def test_who_has_no_cookie_is_known_by_the_header_that_the_file_names(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2")
    gate.rules(session_header=b"x-session-key")
    gate.upstream.meets(*[answering()] * 6)

    async def served_by(*headers: tuple[str, str]) -> str:
        await gate.visit("GET /paint", *headers)
        return gate.pod.address

    hers, his = ("x-session-key", "hers"), ("x-session-key", "his")
    assert [await served_by(header) for header in (hers, hers, his)] == ["gpu-1:1", "gpu-1:1", "gpu-2:1"]
    assert [await served_by(header) for header in (hers, his)] == ["gpu-1:1", "gpu-2:1"]
    assert (gate.pod.header("x-session-key"), gate.record.session is not None) == (b"his", True)
    assert await served_by(hers, gate.cookie("mine", "gpu-2")) == "gpu-2:1"
