"""While it boots the API is not there; then it is. The page always is."""

from __future__ import annotations

import httpx
import pytest

from gateway.demo.a1111.api import A1111Api
from gateway.demo.a1111.boot import Boot, StandIn
from gateway.demo.gpu import Gpu


@pytest.mark.anyio
async def test_the_api_is_there_when_the_boot_is_done() -> None:
    boot = Boot(seconds=3600)
    app = StandIn(A1111Api(Gpu(), work=0).application(), boot)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://pod") as client:
        for path in ("/sdapi/v1/progress", "/internal/ping"):
            early = await client.get(path)
            assert (early.status_code, early.content) == (404, b'{"detail":"Not Found"}')
        assert (await client.get("/")).status_code == 200
        boot.done = True
        ready = await client.get("/internal/ping")
        assert (ready.status_code, ready.headers["x-stand-in"]) == (200, "a1111")
        assert float(ready.headers["x-process-time"]) >= 0
