"""A page hears of its jobs, wherever they are done. Seen with ComfyUI: the prompt went home, and the page's websocket
was on another pod for as long as it lived."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles.comfyui import comfyui
from gateway.profiles.rules import rule
from gateway.proxy.websocket.page_sockets import BACK_WITHIN
from tests.doubles.scripted_upstream import answering, hanging
from tests.doubles.virtual_time import virtual_time_of_asyncio
from tests.proxy.websocket.test_tunnel import HANDSHAKE, agreeing

if TYPE_CHECKING:
    from tests.doubles.scripted_upstream import ScriptedExchange
    from tests.doubles.visiting_client import VisitingClient
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


@pytest.fixture
async def gate(gate: Gatehouse) -> Gatehouse:
    """Two ComfyUIs, which agree to websockets and refuse graphs, so that no job goes on behind an answer."""

    async def script(exchange: ScriptedExchange) -> None:
        await (agreeing if exchange.request.upgrade else answering(b"no", 400))(exchange)

    gate.upstream.otherwise = script
    gate.served.profile = comfyui()
    gate.ready("gpu-1", "gpu-2")
    return gate


async def page(gate: Gatehouse, where: str, *headers: tuple[str, str], client: str = "c") -> VisitingClient:
    """Its websocket is open, on that pod."""
    opened = await gate.visit(f"GET /ws?clientId={client}", *HANDSHAKE, *headers)
    assert (opened.status, gate.pod.address) == (101, f"{where}:1")
    return opened


async def page_while_home_is_away(gate: Gatehouse, client: str = "c") -> VisitingClient:
    """Its home is gpu-1, and its websocket on gpu-2."""
    gate.ready("gpu-2")
    opened = await page(gate, "gpu-2", gate.cookie(), client=client)
    gate.ready("gpu-1", "gpu-2")
    return opened


async def prompt(gate: Gatehouse, *headers: tuple[str, str], client: str = "c", image: str = "") -> VisitingClient:
    graph = {"1": {"class_type": "LoadImage", "inputs": {"image": image}}} if image else {}
    return await gate.visit("POST /prompt", *headers, body=json.dumps({"prompt": graph, "client_id": client}).encode())


def leave(*pages: VisitingClient) -> None:
    for each in pages:
        each.end.breaks()


async def test_before_a_job_begins_its_page_is_brought_there(gate: Gatehouse) -> None:
    await page_while_home_is_away(gate)
    asked = await prompt(gate, gate.cookie())
    assert (asked.status, gate.record.ending) == (None, Ending.SERVED)
    assert gate.record.detail == "its session's work is done on gpu-1 now"
    back = await page(gate, "gpu-1", gate.cookie())
    await gate.settled()
    assert (asked.status, gate.pod.address, back.gone) == (400, "gpu-1:1", False)
    leave(back)


async def test_a_page_that_does_not_come_back_is_not_waited_for_long(gate: Gatehouse) -> None:
    await page_while_home_is_away(gate)
    asked = await prompt(gate, gate.cookie())
    await gate.passes(BACK_WITHIN)
    assert (asked.status, len(gate.served.page_sockets)) == (400, 0)


async def test_a_client_that_leaves_meanwhile_starts_nothing(gate: Gatehouse) -> None:
    await page_while_home_is_away(gate)
    asked = await prompt(gate, gate.cookie())
    asked.leaves()
    await gate.passes(BACK_WITHIN)
    assert (gate.record.ending, gate.slot()) == (Ending.CLIENT_LEFT_WAITING, "free")


async def test_nor_is_one_sent_at_once_that_was_in_line(gate: Gatehouse) -> None:
    opened = await page_while_home_is_away(gate)
    gate.upstream.meets(hanging)
    working = await gate.visit("POST /prompt", gate.cookie("yours"), body=b"{}")
    asked = await prompt(gate, gate.cookie())
    gate.upstream.spares = ["gpu-1:1"]
    gate.pod.answers(b"no", 400)
    await gate.settled()
    assert (working.status, asked.status, opened.has_all) == (400, None, True)
    await gate.passes(BACK_WITHIN)
    assert asked.status == 400


async def test_without_a_cookie_a_page_is_known_by_its_name(gate: Gatehouse) -> None:
    gate.ready("gpu-1")
    opened = await page(gate, "gpu-1")
    gate.ready("gpu-1", "gpu-2")
    gate.served.files.put("file:input//a.png", "gpu-2")
    asked = await prompt(gate, image="a.png")
    assert opened.has_all
    await gate.passes(BACK_WITHIN)
    assert (asked.status, gate.pod.address) == (400, "gpu-2:1")
    leave(await page(gate, "gpu-2"))


@pytest.mark.parametrize("target", ["POST /upload/image", "GET /view?filename=a.png"])
async def test_what_a_program_sends_and_fetches_without_any_name_goes_beside_its_websocket(
    gate: Gatehouse, target: str
) -> None:
    """Seen with a program that uploads and keeps no cookie: its graph followed the upload, away from its websocket."""
    for where in ("gpu-1", "gpu-2"):
        gate.ready(where)
        opened = await page(gate, where)
        gate.ready("gpu-1", "gpu-2")
        for _ in range(2):
            await gate.visit(target, body=b"..." if target.startswith("POST") else None)
            assert gate.pod.address == f"{where}:1"
        leave(opened)
        await gate.settled()


async def test_other_tabs_follow_and_are_not_waited_for(gate: Gatehouse) -> None:
    mine, other = [await page_while_home_is_away(gate, client) for client in ("mine", "other")]
    asked = await prompt(gate, gate.cookie(), client="mine")
    assert mine.has_all
    assert other.has_all
    back = await page(gate, "gpu-1", gate.cookie(), client="mine")
    await gate.settled()
    assert asked.status == 400
    leave(back)


async def test_nobody_is_called_away_from_the_sessions_own_work(gate: Gatehouse) -> None:
    gate.ready("gpu-2")
    opened = await page(gate, "gpu-2", gate.cookie())
    gate.upstream.meets(hanging)
    working = await gate.visit("POST /prompt", gate.cookie(), body=b"{}")
    gate.ready("gpu-1")  # gpu-2 ends when it is done
    asked = await prompt(gate, gate.cookie())
    assert (asked.status, gate.pod.address, opened.has_all) == (400, "gpu-1:1", False)
    leave(opened)
    gate.upstream.exchanges[1].answers(b"no", 400)
    await gate.settled()
    assert working.status == 400


async def test_strangers_pages_stay_whatever_they_are_called(gate: Gatehouse) -> None:
    opened = await page_while_home_is_away(gate)
    asked = await prompt(gate, gate.cookie("yours", "gpu-1"))
    assert (asked.status, opened.has_all) == (400, False)
    leave(opened)


async def test_whose_prompt_spills_hears_of_it_there_and_of_the_next_one_at_home(gate: Gatehouse) -> None:
    gate.served.profile = comfyui([rule("POST /prompt", Lane.COUNTED, WhenBusy.SPILL)])
    opened = await page(gate, "gpu-1", gate.cookie())
    gate.upstream.meets(hanging)
    working = await gate.visit("POST /prompt", gate.cookie("yours"), body=b"{}")
    asked = await prompt(gate, gate.cookie())
    assert opened.has_all
    there = await page(gate, "gpu-2", gate.cookie())
    await gate.settled()
    assert (asked.status, gate.pod.address) == (400, "gpu-2:1")
    gate.upstream.exchanges[1].answers(b"no", 400)
    await gate.settled()
    again = await prompt(gate, gate.cookie())
    assert (working.status, there.has_all) == (400, True)
    leave(await page(gate, "gpu-1", gate.cookie()))
    await gate.settled()
    assert again.status == 400


async def test_one_that_holds_a_slot_is_never_closed(gate: Gatehouse) -> None:
    gate.served.profile = comfyui([rule("GET /ws", Lane.COUNTED)])
    opened = await page(gate, "gpu-1", gate.cookie())
    assert (gate.slot(), len(gate.served.page_sockets)) == ("working", 0)
    leave(opened)
    await gate.settled()
    gate.quarantine()
