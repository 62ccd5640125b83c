"""A stand-in for A1111 behind a prefix: what its profile refuses, answers and paints there as elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.system.promises import is_quiet
from tests.system.running_gateway import configuration, running_gateway, stand_ins

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def test_a_prefix_switches_nothing_off(tmp_path: Path) -> None:
    pool = {
        "profile": "a1111",
        "path_prefix": ["/sd"],
        "strip_prefix": True,
        "backends": stand_ins(tmp_path, boot=0, max=1),
        "autoscaling": {"min_scale": 1},
    }
    async with running_gateway(tmp_path, configuration(pool)) as gateway:
        await gateway.ready(1)
        async with httpx.AsyncClient(base_url=gateway.url, trust_env=False, timeout=30) as client:
            for path in ("/sd/sdapi/v1/server-stop", "/sd/%73dapi/v1/server-stop", "/sd/sd/sdapi/v1/server-stop"):
                assert (await client.post(path)).json()["reason"] == "denied"
            assert (await client.get("/sd/sdapi/v1/progress")).json()["state"]["job"] == ""
            assert (await client.post("/sd/sdapi/v1/txt2img", json={"prompt": "dog"})).status_code == 200
            assert (await client.get("/sdapi/v1/progress")).json()["reason"] == "no_route"
        view = await gateway.until(is_quiet)
        assert view["backends"][0]["served"] == 1
