"""Assets by their ids, where they are switched on."""

from __future__ import annotations

import uuid

import httpx
import pytest
from starlette.applications import Starlette

from gateway.demo.comfyui.assets import Assets

pytestmark = pytest.mark.anyio

FORM = {"file": ("dog.png", b"\x89PNG\r\n\x00", "image/png")}


def client_of(files: dict[str, bytes], *, enabled: bool = True) -> httpx.AsyncClient:
    app = Starlette(routes=Assets(files, enabled=enabled).routes())
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://pod/api")


async def test_an_asset_from_its_upload_to_its_end() -> None:
    files: dict[str, bytes] = {}
    async with client_of(files) as client:
        sent = await client.post("/assets", files=FORM)
        one = sent.json()["id"]
        assert (sent.status_code, files) == (201, {"dog.png": FORM["file"][1]})
        assert (await client.get(f"/assets/{one}/content")).content == FORM["file"][1]
        assert (await client.put(f"/assets/{one}", json={"user_metadata": {"a": 1}})).status_code == 200
        assert (await client.get(f"/assets/{one}")).json()["user_metadata"] == {"a": 1}
        assert (await client.get("/assets")).json()["total"] == 1
        assert (await client.delete(f"/assets/{one}")).status_code == 204
        assert (await client.get("/assets")).json()["total"] == 0


async def test_what_is_not_there() -> None:
    async with client_of({}) as client:
        one = uuid.uuid4()
        for method, path in (("GET", one), ("GET", f"{one}/content"), ("PUT", one), ("DELETE", one)):
            assert (await client.request(method, f"/assets/{path}", json={})).status_code == 404
        assert (await client.post("/assets", content=b"x")).json()["error"]["code"] == "MISSING_FILE"


async def test_switched_off() -> None:
    async with client_of({}, enabled=False) as client:
        answer = await client.post("/assets", files=FORM)
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "SERVICE_DISABLED")
