"""The page a person gets while no backend is up: who gets it, what it says, and what it asks for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.backends.health import WATCHED_FOR
from gateway.core.records.decisions import Ending, Outcome
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import Listed
from gateway.proxy.answers.waiting_page import Start, WaitingPage, start_of
from tests.core.playbook import Playbook
from tests.doubles.scripted_upstream import answering
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from tests.doubles.visiting_client import VisitingClient
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

BROWSER = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8")
POLL = ("x-waiting-page", "poll")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


@pytest.fixture
async def cold(gate: Gatehouse) -> Gatehouse:
    """Nobody is there, and browsers are told so."""
    gate.ready()
    gate.rules(waiting_page=WaitingPage())
    return gate


def told(client: VisitingClient) -> str | None:
    return client.header("x-waiting-page")


async def test_a_person_gets_a_page_at_once_and_then_what_they_came_for(cold: Gatehouse) -> None:
    page = await cold.visit("GET /page", BROWSER)
    assert (page.status, page.header("retry-after"), page.header("cache-control")) == (503, "10", "no-store")
    assert page.header("content-type") == "text/html; charset=utf-8"
    assert page.header("set-cookie") is None
    assert b"A backend has been asked for." in page.body
    record = cold.record
    assert record.status == 503
    assert Ending.TOLD_OF_START.outcome is Outcome.REFUSED

    for _ in range(3):  # it asks, and asks for no more than one
        await cold.passes(2)
        polled = await cold.visit("GET /page", POLL)
        assert (polled.status, told(polled), cold.driver.pool.demand) == (200, "waiting", 1)
    assert json.loads(polled.body)["expected"].endswith("6 seconds have passed.")
    assert (record.ending, cold.record.ending) == (Ending.TOLD_OF_START, Ending.ANSWERED_HERE)

    cold.ready("gpu-1")
    polled = await cold.visit("GET /page", POLL)
    assert (polled.status, told(polled), cold.upstream.exchanges) == (200, "ready", [])
    cold.upstream.meets(answering(b"it"))
    page = await cold.visit("GET /page", BROWSER)
    assert (page.status, page.body) == (200, b"it")
    assert cold.home_of(page) == "gpu-1"


async def test_programs_are_held(cold: Gatehouse) -> None:
    held = [
        await cold.visit("GET /page", ("accept", "*/*")),
        await cold.visit("GET /page.html", BROWSER, ("sec-fetch-mode", "cors")),  # of a script that takes HTML
        await cold.visit("HEAD /page", BROWSER),
        await cold.visit("POST /paint", BROWSER, body=b"{}"),
        await cold.visit("GET /paint", BROWSER, body=b"{}"),
    ]
    assert ([client.status for client in held], cold.waiting) == ([None] * 5, 5)
    assert (await cold.visit("GET /paint", BROWSER, ("sec-fetch-mode", "navigate"))).status == 503
    for client in held:
        client.leaves()
    await cold.settled()
    await cold.passes(WATCHED_FOR)


async def test_what_wakes_nothing_is_not_told_of_a_start(cold: Gatehouse) -> None:
    refused = await cold.visit("GET /progress", BROWSER)
    assert (refused.status, b"This request does not start one" in refused.body) == (503, True)
    assert (await cold.visit("GET /secret", BROWSER)).status == 403
    assert cold.driver.pool.demand == 0


async def test_without_a_page_everybody_is_held(cold: Gatehouse) -> None:
    cold.rules(waiting_page=None)
    client = await cold.visit("GET /page", BROWSER)
    assert (client.status, cold.waiting) == (None, 1)
    client.leaves()
    await cold.settled()


async def test_whoever_closes_it_asks_for_nothing_any_more(cold: Gatehouse) -> None:
    await cold.visit("GET /page", BROWSER)
    await cold.passes(WATCHED_FOR - 1)
    assert cold.driver.pool.demand == 1
    await cold.passes(1)
    assert cold.driver.pool.demand == 0


async def test_the_icon_that_a_browser_asks_for_by_itself_is_no_demand(cold: Gatehouse) -> None:
    before = await cold.visit("GET /favicon.ico", ("accept", "image/*"))
    assert (before.status, cold.waiting) == (None, 1)  # nobody looks at a page: it is a request like any other
    before.leaves()
    await cold.settled()

    await cold.visit("GET /page", BROWSER)
    icon = await cold.visit("GET /favicon.ico", ("accept", "image/*"), ("sec-fetch-mode", "no-cors"))
    assert (icon.status, cold.record.lane, cold.waiting, cold.driver.pool.demand) == (503, Lane.PASSIVE, 0, 1)
    await cold.passes(WATCHED_FOR)
    assert cold.driver.pool.demand == 0

    await cold.visit("GET /page", BROWSER)
    cold.ready("gpu-1")
    cold.upstream.meets(answering(b"icon"))
    assert (await cold.visit("GET /favicon.ico", ("accept", "image/*"))).body == b"icon"


async def test_a_start_that_is_hopeless_is_not_told_as_one(cold: Gatehouse) -> None:
    for _ in range(3):
        cold.driver.start_failed("exit code 1: no GPU", retry_in=30)
    page = await cold.visit("GET /page", BROWSER)
    assert (page.status, page.header("retry-after")) == (503, "30")
    assert b"no GPU" in page.body
    polled = await cold.visit("GET /page", POLL, ("accept", "application/json"))
    assert (polled.status, json.loads(polled.body)["reason"]) == (503, "starts_fail")
    cold.driver.start_succeeded()


async def test_a_page_of_ones_own(cold: Gatehouse) -> None:
    cold.rules(waiting_page=WaitingPage("$follow<p>$state</p>"))
    page = await cold.visit("GET /page", BROWSER)
    assert page.body.endswith(b"</script><p>A backend has been asked for.</p>")
    assert page.header("content-security-policy") is None
    await cold.passes(WATCHED_FOR)


def test_how_far_it_is() -> None:
    p = Playbook()
    p.pods("gpu-1")
    p.watch_start()
    p.at(1)
    unknown = "No start was measured yet, so nobody knows how long it takes. 1 second has passed."
    assert start_of(p.pool, p.now) == Start("One backend is starting.", unknown, None, None)

    p.at(40)
    p.ready("gpu-1")
    p.pods()
    p.watch_start()
    p.start_failed("exit code 1", retry_in=1)
    p.at(50)
    usual = "It usually takes about 40 seconds."
    state = "A backend has been asked for. The last start failed (exit code 1). The next attempt is in 1 second."
    assert start_of(p.pool, p.now) == Start(state, f"{usual} 10 seconds have passed.", 0.25, 30)

    p.pods("gpu-2", "gpu-3")
    p.unready("gpu-3", "GET /ready: 404")
    assert start_of(p.pool, p.now).state.startswith("No backend is ready (GET /ready: 404).")
    p.unready("gpu-3", "")
    p.start_failed("exit code 1", retry_in=1)
    p.at(100)
    state = "2 backends are starting. The last 2 starts failed (exit code 1)."
    assert start_of(p.pool, p.now) == Start(state, f"{usual} 60 seconds have passed.", 1, 0)


async def test_where_a_probe_finds_something_wrong_nobody_is_told_that_it_starts(cold: Gatehouse) -> None:
    cold.driver.replace_backends([Listed("gpu-1", "10.0.0.1:80", "gpu-1")])
    starting = await cold.visit("GET /page", BROWSER)
    cold.driver.backend_unready("gpu-1", "GET /ready: 404")
    page = await cold.visit("GET /page", BROWSER)

    assert b"<h1>Starting" in starting.body
    assert b"<h1>Not ready</h1>" in page.body
    assert b"No backend is ready (GET /ready: 404)." in page.body
    await cold.passes(WATCHED_FOR)
