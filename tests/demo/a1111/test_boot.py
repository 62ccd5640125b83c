"""While it boots the API is not there, then it is and does not work, then it does. The page always is."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gateway.demo.a1111.api import A1111Api
from gateway.demo.a1111.boot import Boot, StandIn
from gateway.demo.gpu import Gpu

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def a_stand_in(boot: Boot, **options: Any) -> AsyncIterator[httpx.AsyncClient]:
    app = StandIn(A1111Api(Gpu(), work=0).application(), boot, **options)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://pod") as client:
        yield client


async def test_the_four_stages_of_its_start() -> None:
    boot = Boot(seconds=3600)
    async with a_stand_in(boot) as client:
        for path in ("/sdapi/v1/progress", "/internal/ping", "/internal/profile-startup"):
            early = await client.get(path)
            assert (early.status_code, early.content) == (404, b'{"detail":"Not Found"}')
        assert (await client.get("/")).status_code == 200
        boot.has_first_route = True
        assert (await client.get("/sdapi/v1/progress")).status_code == 200
        for path in ("/sdapi/v1/options", "/internal/profile-startup"):
            assert (await client.get(path)).status_code == 404
        boot.has_routes = True
        assert (await client.get("/sdapi/v1/progress")).status_code == 200
        assert (await client.get("/internal/profile-startup")).json() is None
        painted = await client.post("/sdapi/v1/txt2img", json={})
        assert (painted.status_code, painted.json()["errors"]) == (
            500,
            "'Api' object has no attribute 'default_script_arg_txt2img'",
        )
        boot.done = True
        ready = await client.get("/internal/profile-startup")
        assert (ready.status_code, ready.json(), ready.headers["x-stand-in"]) == (
            200,
            {"total": 0.0, "records": {}},
            "a1111",
        )
        assert (await client.post("/sdapi/v1/txt2img", json={})).status_code == 200
        assert float(ready.headers["x-process-time"]) >= 0


async def test_a_login_is_asked_for_by_the_api_and_not_by_what_tells_of_the_start() -> None:
    boot = Boot(seconds=0)
    boot.finish()
    async with a_stand_in(boot, api_auth="me:secret") as client:
        assert (await client.get("/sdapi/v1/progress")).status_code == 401
        assert (await client.get("/sdapi/v1/progress", auth=("me", "secret"))).status_code == 200
        assert (await client.get("/internal/profile-startup")).status_code == 200
