"""The assets of the ComfyUI stand-in: files by ids, on this server alone. Switched off, as they are in the real one
without `--enable-assets`, every route answers 503. (Read in the code of 0.38.1.)
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.demo.comfyui.forms import sent_file

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request


class Assets:
    """`files`: those of the server, by name."""

    def __init__(self, files: dict[str, bytes], *, enabled: bool) -> None:
        self._files = files
        self._enabled = enabled
        self._assets: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        """Below /api, and nowhere else."""
        one = "/api/assets/{id:uuid}"
        return [
            self._route("GET", "/api/assets", self._list),
            self._route("POST", "/api/assets", self._upload),
            self._route("GET", one, self._one),
            self._route("GET", f"{one}/content", self._content),
            self._route("PUT", one, self._update),
            self._route("DELETE", one, self._delete),
        ]

    def _route(self, method: str, path: str, handler: Callable[[Request], Awaitable[Response]]) -> Route:
        return Route(path, handler if self._enabled else _switched_off, methods=[method])

    async def _list(self, request: Request) -> Response:
        assets = list(self._assets.values())
        return JSONResponse({"assets": assets, "total": len(assets), "has_more": False})

    async def _upload(self, request: Request) -> Response:
        if (sent := await sent_file(request)) is None:
            return _refused(400, "MISSING_FILE", "Form must include a 'file' part or a known 'hash'.")
        name, content = sent
        self._files[name] = content
        asset = {"id": str(uuid.uuid4()), "name": name, "size": len(content), "tags": ["input"]}
        asset["preview_url"] = f"/api/view?type=input&filename={quote(name, safe='')}"
        self._assets[str(asset["id"])] = asset
        return JSONResponse(asset | {"created_new": True}, 201)

    async def _one(self, request: Request) -> Response:
        asset = self._assets.get(str(request.path_params["id"]))
        return _missing(request) if asset is None else JSONResponse(asset)

    async def _content(self, request: Request) -> Response:
        asset = self._assets.get(str(request.path_params["id"]))
        return _missing(request) if asset is None else Response(self._files[asset["name"]], media_type="image/png")

    async def _update(self, request: Request) -> Response:
        asset = self._assets.get(str(request.path_params["id"]))
        if asset is None:
            return _missing(request)
        asset["user_metadata"] = (await request.json()).get("user_metadata")
        return JSONResponse(asset)

    async def _delete(self, request: Request) -> Response:
        asset = self._assets.pop(str(request.path_params["id"]), None)
        return _missing(request) if asset is None else Response(status_code=204)


async def _switched_off(request: Request) -> Response:
    return _refused(503, "SERVICE_DISABLED", "Assets are switched off: start the server with --enable-assets.")


def _missing(request: Request) -> Response:
    return _refused(404, "ASSET_NOT_FOUND", f"There is no asset {request.path_params['id']}.")


def _refused(status: int, code: str, message: str) -> Response:
    return JSONResponse({"error": {"code": code, "message": message, "details": {}}}, status)
