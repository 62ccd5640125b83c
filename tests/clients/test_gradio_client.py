"""gradio_client, old and new, in front of the Gradio of its time: websockets, streams without cookies, with cookies."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from tests.clients.studios import Counted, call, counted, is_done, studios, up
from tests.system.running_gateway import running_gateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

CALLERS, PICTURES = 5, 2

#: Seconds for one: of five callers on two pods, one is in line for longer than its client would wait in silence.
WORK = 3


@pytest.mark.parametrize("name", ["gradio-3", "gradio-4", "gradio-5", "gradio-6"])
async def test_each_gets_its_own_pictures_from_a_pod_of_its_own(tmp_path: Path, name: str) -> None:
    config = studios(tmp_path, name, copies=2, work=WORK)
    async with running_gateway(tmp_path, config, within=200) as gateway:
        await up(gateway, 2)
        painted = await call(gateway, name, callers=CALLERS, pictures=PICTURES)
        view = await gateway.until(is_done)
        assert await counted(view) == Counted(served=CALLERS * PICTURES)
        told: dict[str, list[str]] = defaultdict(list)
        for picture in painted:
            prompt, _, by = picture["told"].partition(": ")
            assert prompt == picture["prompt"]
            assert picture["colour"] == f"{prompt[:2]}0"  # the first one's, which was sent along with the others
            told[prompt[:2]].append(by)
        for of_one in told.values():
            pod = of_one[0].partition(", ")[2]
            if name != "gradio-4":  # without cookies a sketch may be sent to another pod, and the rest goes after it
                assert of_one == [f"number {number + 1}, {pod}" for number in range(PICTURES)]
        assert len({by.partition(", ")[2] for (by, *_) in told.values()}) == 2  # both work


@pytest.mark.parametrize("name", ["gradio-4", "gradio-5", "gradio-6"])
async def test_an_application_that_is_mounted_in_another(tmp_path: Path, name: str) -> None:
    """Its probes, its streams, its files and its heartbeat are below `/app`; the figures are the outer one's."""
    config = studios(tmp_path, name, copies=2, mount="/app", profile_root="/app")
    async with running_gateway(tmp_path, config, within=200) as gateway:
        await up(gateway, 2)
        painted = await call(gateway, name, callers=4, pictures=2, path="/app")
        assert len(painted) == 8
        assert await counted(await gateway.until(is_done)) == Counted(served=8)


@pytest.mark.parametrize("name", ["gradio-4", "gradio-6"])
async def test_from_zero(tmp_path: Path, name: str) -> None:
    config = studios(tmp_path, name, copies=1, autoscaling={"max_scale": 1})
    async with running_gateway(tmp_path, config, within=200) as gateway:
        (painted,) = await call(gateway, name, callers=1, pictures=1)
        assert painted["told"].startswith("aa0: number 1")
