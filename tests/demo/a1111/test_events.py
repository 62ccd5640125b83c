"""Gradio 3's queue as the stand-in speaks it: the messages, their order, their time limits."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from gateway.demo.a1111.events import EventError, Events
from tests.doubles.eventually import eventually
from tests.doubles.page_socket import PageSocket

pytestmark = pytest.mark.anyio

HELLO = {"fn_index": 1, "session_hash": "s1"}


async def echo(number: int, data: list[Any]) -> list[Any]:
    if number == 13:
        raise EventError("unlucky")
    return [number, *data]


async def test_an_event_from_its_first_message_to_its_last() -> None:
    async with PageSocket(Events(echo).join) as page:
        assert await page.hears() == {"msg": "send_hash"}
        await page.says(HELLO)
        estimation = await page.hears()
        assert (estimation["msg"], estimation["rank"], estimation["queue_size"]) == ("estimation", 0, 1)
        assert await page.hears() == {"msg": "send_data"}
        await page.says({**HELLO, "data": ["a dog"], "event_data": None})
        assert await page.hears() == {"msg": "process_starts"}
        completed = await page.hears()
        assert (completed["msg"], completed["success"]) == ("process_completed", True)
        assert completed["output"]["data"] == [1, "a dog"]
        assert await page.is_closed()


async def test_a_function_that_fails_says_so() -> None:
    async with PageSocket(Events(echo).join) as page:
        await page.hears()
        await page.says(HELLO)
        await page.until("send_data")
        await page.says({**HELLO, "fn_index": 13, "data": []})
        completed = await page.until("process_completed")
        assert (completed["success"], completed["output"]) == (False, {"error": "unlucky"})


async def test_a_page_that_does_not_say_who_it_is_in_time_is_cut_off() -> None:
    async with PageSocket(Events(echo, hash_within=0.0).join) as page:
        await page.hears()
        assert await page.is_closed()


async def test_a_page_that_does_not_send_its_data_in_time_is_cut_off() -> None:
    async with PageSocket(Events(echo, data_within=0.0).join) as page:
        await page.hears()
        await page.says(HELLO)
        await page.until("send_data")
        assert await page.is_closed()


@pytest.mark.parametrize("message", ["[]", "{", "5", '{"fn_index": "x", "data": []}', "{}"])
async def test_what_is_no_message_ends_it(message: str) -> None:
    async with PageSocket(Events(echo).join) as page:
        await page.hears()
        await page.says(HELLO)
        await page.until("send_data")
        await page.says_text(message)
        assert await page.is_closed()


async def test_who_waits_for_a_place_hears_of_it_as_it_moves() -> None:
    events = Events(echo, places=1)
    async with PageSocket(events.join) as first, PageSocket(events.join) as second, PageSocket(events.join) as third:
        await first.hears()
        await first.says(HELLO)
        await first.until("send_data")
        for page, rank in ((second, 0), (third, 1)):
            await page.hears()
            await page.says(HELLO)
            assert (await page.hears())["rank"] == rank
        assert events.estimation()["queue_size"] == 2
        second.leaves()
        await first.says({**HELLO, "data": []})
        await first.until("process_completed")
        assert (await third.hears())["rank"] == 0
        await third.until("send_data")
    await eventually(lambda: events.estimation()["queue_size"] == 0)


async def test_a_page_that_leaves_stops_nothing() -> None:
    began, go_on, ended = anyio.Event(), anyio.Event(), anyio.Event()

    async def work(number: int, data: list[Any]) -> list[Any]:
        began.set()
        await go_on.wait()
        ended.set()
        return []

    async with PageSocket(Events(work).join) as page:
        await page.hears()
        await page.says(HELLO)
        await page.until("send_data")
        await page.says({**HELLO, "data": []})
        await began.wait()
        page.leaves()
        go_on.set()
        await ended.wait()


async def test_without_the_queue() -> None:
    answer = await Events(echo).predict({"fn_index": 2, "data": ["x"]})
    assert answer["data"] == [2, "x"]
    assert (await Events(echo).predict({"data": None}))["data"] == [-1]
