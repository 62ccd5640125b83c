"""`gateway top`, played by textual's pilot: the screen shows what the gateway told, and keys do what they say."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
from textual.widgets import DataTable, Input, Static

from gateway.top.app import Top
from gateway.top.confirm import Confirm
from gateway.top.port import OperatorsPort
from tests.doubles.operators_port import TOKEN, ScriptedPort, told_backend, told_pool, told_ticket
from tests.system.callers import callers, job, outcomes
from tests.system.running_gateway import configuration, running_gateway, stand_ins

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from textual.pilot import Pilot

pytestmark = pytest.mark.anyio

PODS = [told_backend("gpu-1", served=3), told_backend("gpu-2", served=20), told_backend("gpu-3", state="starting")]


@pytest.fixture
def gateway() -> ScriptedPort:
    waiting = [told_ticket(4, "first"), told_ticket(5, "[b]second[/b]", bound_to="gpu-1")]
    return ScriptedPort(told_pool("sd", *PODS, tickets=waiting), told_pool("other", told_backend("cpu-1")))


@asynccontextmanager
async def shown(gateway: ScriptedPort, token: str | None = TOKEN) -> AsyncIterator[Pilot[None]]:
    """On a screen of its own; it looks again when it is told to."""
    async with (
        OperatorsPort("http://gateway:9090", token, gateway) as port,
        Top(port, every=3600).run_test(size=(120, 40)) as pilot,
    ):
        yield pilot


def text(pilot: Pilot[None], name: str) -> str:
    return str(pilot.app.query_one(f"#{name}", Static).content)


def column(pilot: Pilot[None], table: str, index: int = 0) -> list[str]:
    widget: DataTable[Any] = pilot.app.query_one(f"#{table}", DataTable)
    return [str(widget.get_row_at(row)[index]) for row in range(widget.row_count)]


def headings(pilot: Pilot[None], table: str) -> list[str]:
    widget: DataTable[Any] = pilot.app.query_one(f"#{table}", DataTable)
    return [str(column.label) for column in widget.ordered_columns]


async def look(pilot: Pilot[None]) -> None:
    assert isinstance(pilot.app, Top)
    await pilot.app.refresh_pools()
    await pilot.pause()


async def test_it_shows_one_pool_at_a_time(gateway: ScriptedPort) -> None:
    async with shown(gateway) as pilot:
        assert text(pilot, "summary").startswith("sd: warm · at work 0/3 · waiting 2/1000")
        assert column(pilot, "pods") == ["gpu-1", "gpu-2", "gpu-3"]
        assert column(pilot, "line", 1) == ["first", "[b]second[/b]"]  # not markup
        await pilot.press("p")
        assert (column(pilot, "pods"), column(pilot, "line")) == (["cpu-1"], [])
        await pilot.press("p")
        assert text(pilot, "summary").startswith("sd:")


async def test_it_sorts_and_filters(gateway: ScriptedPort) -> None:
    async with shown(gateway) as pilot:
        for _ in range(8):
            await pilot.press("s")
        assert pilot.app.query_one("#pods").border_title == "Pods, by served"
        assert column(pilot, "pods") == ["gpu-3", "gpu-1", "gpu-2"]
        await pilot.press("S")
        assert column(pilot, "pods") == ["gpu-2", "gpu-1", "gpu-3"]
        await pilot.press("slash", *"gpu-1", "enter")
        assert (column(pilot, "pods"), column(pilot, "line", 1)) == (["gpu-1"], ["[b]second[/b]"])
        await pilot.press("escape")
        assert len(column(pilot, "pods")) == 3
        assert not pilot.app.query_one(Input).display


async def test_models_have_a_column_where_they_matter(gateway: ScriptedPort) -> None:
    long = "realisticVisionV60B1_v51HyperVAE\x1b[2J"
    pods = [told_backend("gpu-1", model=long), told_backend("gpu-2")]
    waiting = [told_ticket(4, "first", model="[b]x"), told_ticket(5, "any")]
    gateway.pools.append(told_pool("aware", *pods, tickets=waiting, looks_at_models=True))
    async with shown(gateway) as pilot:
        plain = headings(pilot, "pods")
        for _ in range(3):
            await pilot.press("s")
        await pilot.press("p", "p")
        assert headings(pilot, "pods") == ["pod", "state", "model", *plain[2:]]
        assert pilot.app.query_one("#pods").border_title == "Pods"  # what was third is fourth now
        assert column(pilot, "pods", 2) == ["realistic…perVAE�[2J", "not known"]
        assert column(pilot, "line", headings(pilot, "line").index("model")) == ["[b]x", ""]
        await pilot.press("slash", *"VisionV60", "enter")
        assert column(pilot, "pods") == ["gpu-1"]
        await pilot.press("escape", "p")
        assert headings(pilot, "pods") == plain


async def test_the_cursor_stays_on_its_pod(gateway: ScriptedPort) -> None:
    async with shown(gateway) as pilot:
        await pilot.press("down")
        gateway.pools[0]["backends"] = [told_backend("gpu-0"), *PODS]
        await look(pilot)
        await pilot.press("d", "y")
        await pilot.pause()
        assert gateway.orders == ["POST /api/backends/uid%2Fgpu-2/drain"]


async def test_orders_are_asked_for_twice(gateway: ScriptedPort) -> None:
    async with shown(gateway) as pilot:
        await pilot.press("d")
        assert isinstance(pilot.app.screen, Confirm)
        await pilot.press("n")
        assert gateway.orders == []
        for key in ("u", "r", "x"):
            await pilot.press(key, "y")
            await pilot.pause()
        assert gateway.orders == [
            "POST /api/backends/uid%2Fgpu-1/undrain",
            "POST /api/backends/uid%2Fgpu-1/release",
            "DELETE /api/tickets/first",
        ]


async def test_without_a_token_it_says_so(gateway: ScriptedPort) -> None:
    async with shown(gateway, token=None) as pilot:
        await pilot.press("d", "y")
        await pilot.pause()
        assert text(pilot, "error").startswith("401 Not authorised")


async def test_a_gateway_that_is_away_comes_back(gateway: ScriptedPort) -> None:
    gateway.down = True
    async with shown(gateway) as pilot:
        assert text(pilot, "error") == "http://gateway:9090: no answer: connection refused"
        await pilot.press("s", "d", "x", "p")  # nothing to do it with
        gateway.down = False
        await look(pilot)
        assert (text(pilot, "error"), len(column(pilot, "pods"))) == ("", 3)
        gateway.pools.clear()
        await look(pilot)
        assert text(pilot, "summary") == "No pool is configured."


async def test_it_agrees_with_a_gateway_at_work(tmp_path: Path) -> None:
    one_pod = {"profile": "a1111", "backends": stand_ins(tmp_path, boot=0.3, work=3, max=1)}
    async with running_gateway(tmp_path, configuration(one_pod)) as gateway, callers(gateway, 3) as clients:
        for number, client in enumerate(clients):
            await client.send(job(number))
        view = await gateway.until(lambda view: view["in_flight"] == 1 and view["line"]["waiting"] == 2)
        async with OperatorsPort(gateway.ops) as port, Top(port, every=3600).run_test() as pilot:
            assert column(pilot, "pods", 3) == ["1/1"]
            assert column(pilot, "line", 1) == [ticket["label"] for ticket in view["line"]["tickets"]]
        assert await outcomes(clients) == [200] * 3
