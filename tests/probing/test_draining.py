"""A pod that ends is kept while it works for us. In virtual time."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest
import respx

from gateway.probing.control_client import new_client
from gateway.probing.draining import DrainKeeper
from tests.doubles.virtual_time import virtual_time

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


async def test_a_small_request_arrives_every_few_seconds_whatever_is_answered() -> None:
    pods = ["10.0.0.1:8012"]
    async with new_client() as client:
        keeper = DrainKeeper(client, "/progress", lambda: pods)
        with respx.mock as site:
            route = site.get("http://10.0.0.1:8012/progress", headers={"K-Kubelet-Probe": "gateway"})
            route.mock(side_effect=[httpx.Response(200), httpx.ReadTimeout("busy"), httpx.Response(503)] * 2)
            with anyio.move_on_after(20):
                await keeper.run()
            assert route.call_count == 3
            pods.clear()
            with anyio.move_on_after(20):
                await keeper.run()
            assert route.call_count == 3
