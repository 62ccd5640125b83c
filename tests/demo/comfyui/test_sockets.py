"""Who hears of what."""

from __future__ import annotations

import pytest

from gateway.demo.comfyui.sockets import Sockets
from tests.doubles.eventually import eventually
from tests.doubles.page_socket import PageSocket

pytestmark = pytest.mark.anyio


async def test_an_event_is_heard_by_the_one_it_is_for_or_by_everybody() -> None:
    sockets = Sockets(lambda: 3, {"b": "7"}.get)
    async with PageSocket(sockets.serve, "clientId=a") as one, PageSocket(sockets.serve) as other:
        hello = await one.hears()
        assert (hello["type"], hello["data"]["sid"]) == ("status", "a")
        assert hello["data"]["status"]["exec_info"] == {"queue_remaining": 3}
        assert (await other.hears())["data"]["sid"] != "a"
        await one.says({"type": "feature_flags", "data": {}})
        sockets.tell("executing", {"node": "1"}, "a")
        sockets.tell("execution_interrupted", {}, None)
        assert await one.hears() == {"type": "executing", "data": {"node": "1"}}
        assert (await one.hears())["type"] == "execution_interrupted"
        assert (await other.hears())["type"] == "execution_interrupted"


async def test_a_second_of_the_same_name_takes_the_place_of_the_first_until_that_closes() -> None:
    """Seen on 0.3.64."""
    sockets = Sockets(lambda: 0, {"b": "7"}.get)
    async with PageSocket(sockets.serve, "clientId=a") as first:
        await first.hears()
        async with PageSocket(sockets.serve, "clientId=a") as second:
            await second.hears()
            sockets.tell("executing", {}, "a")
            assert (await second.hears())["type"] == "executing"
            first.leaves()
            await eventually(lambda: not sockets._queues)


async def test_who_comes_back_while_its_prompt_runs_is_told_at_which_node() -> None:
    """Seen on 0.3.64."""
    sockets = Sockets(lambda: 1, {"b": "7"}.get)
    async with PageSocket(sockets.serve, "clientId=b") as page:
        assert (await page.hears())["type"] == "status"
        assert await page.hears() == {"type": "executing", "data": {"node": "7"}}
