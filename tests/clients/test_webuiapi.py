"""webuiapi in front of stand-ins for the web UI, from zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.clients.studios import Counted, counted, is_done, run_program
from tests.system.running_gateway import configuration, running_gateway, stand_ins

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

CALLERS, PICTURES = 3, 2


async def test_scripts_get_their_pictures_and_see_how_far_they_are(tmp_path: Path) -> None:
    pool = {"profile": "a1111", "backends": stand_ins(tmp_path, work=1, max=2), "autoscaling": {"max_scale": 2}}
    async with running_gateway(tmp_path, configuration(pool), within=120) as gateway:
        host, port = gateway.traffic
        options = ("--callers", str(CALLERS), "--pictures", str(PICTURES))
        painted = await run_program("webuiapi", "webui_caller.py", host, str(port), *options)
        assert len(painted) == CALLERS * PICTURES
        for each in painted:
            assert (each["told"], each["sizes"]) == ([each["prompt"]] * 2, [[64, 64]] * 2)
            assert each["farthest"] > 0.3
        view = await gateway.until(is_done)
        assert await counted(view) == Counted(served=2 * CALLERS * PICTURES)
