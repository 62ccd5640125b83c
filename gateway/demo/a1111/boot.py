"""How a stand-in comes up, and the ASGI layer around its routes that shows it.

As seen on AUTOMATIC1111 1.10.1 (CPU, seconds from the opening of the port, on a quiet machine):

    0.000   the port is open, and the page answers. From here to 0.072 any HTTP request builds the middleware stack, and
            the API, which adds to it, ends the process: "Cannot add middleware after an application has started". A TCP
            connection alone does no harm.
    0.088   /sdapi/v1/progress is there; before that the API's paths get FastAPI's own 404
    0.402   the last route of /sdapi is there. What txt2img and img2img need is set only afterwards: until 0.774 they
            answer 500 "'Api' object has no attribute 'default_script_arg_txt2img'"
    0.774   all is built. GET /internal/profile-startup was 404, then `null`, and is an object from here on; it asks for
            no login, and the process prints "Startup time:"

With `--nowebui` all is built before the port is opened, and there is no page and nothing below /internal.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_API = ("/sdapi/", "/internal/")
_PAINTS = {"/sdapi/v1/txt2img": "txt2img", "/sdapi/v1/img2img": "img2img"}
_PROFILE = "/internal/profile-startup"
_FIRST = "/sdapi/v1/progress"


@dataclass(frozen=True)
class Stages:
    """Seconds, of the start's delicate times."""

    fragile: float = 0.07  # from the open port on: a request ends the process
    registering: float = 0.31  # before `unbuilt`: of the API's routes the first one alone is there
    unbuilt: float = 0.37  # before the end of the boot: the routes are there, and painting answers 500


class Boot:
    """Takes `seconds` from the opening of the port; then all is built, or the process dies with `exit_code`."""

    def __init__(self, seconds: float, exit_code: int | None = None, stages: Stages | None = None) -> None:
        self.done = False
        self.has_first_route = False  # the API's
        self.has_routes = False  # the API's, though they may not work yet
        self._seconds = seconds
        self._exit_code = exit_code
        self._stages = stages or Stages()
        self._opened_at: float | None = None

    def begin(self) -> None:
        """To be called on the event loop, when the port has been opened."""
        loop = asyncio.get_running_loop()
        self._opened_at = loop.time()
        registered_in = self._seconds - self._stages.unbuilt
        loop.call_later(max(0.0, registered_in - self._stages.registering), self._register_first)
        loop.call_later(max(0.0, registered_in), self._register)
        loop.call_later(self._seconds, self._end)

    def asked(self) -> None:
        """An HTTP request has come. Ends the process if that is too early."""
        if self.done or self._opened_at is None or self._stages.fragile <= 0:
            return
        if asyncio.get_running_loop().time() - self._opened_at < self._stages.fragile:
            logging.getLogger(__name__).error("RuntimeError: Cannot add middleware after an application has started")
            os._exit(1)

    def finish(self) -> None:
        """All is built: at once, for a server that builds before it listens."""
        self.has_first_route = self.has_routes = self.done = True
        logging.getLogger(__name__).info("Startup time: %.1fs (stand-in)", self._seconds)

    def _register_first(self) -> None:
        self.has_first_route = self._exit_code is None

    def _register(self) -> None:
        self.has_routes = self._exit_code is None

    def _end(self) -> None:
        if self._exit_code is None:
            self.finish()
        else:
            log = logging.getLogger(__name__)
            log.error("RuntimeError: no GPU came up (stand-in told to die with exit code %d)", self._exit_code)
            os._exit(self._exit_code)


class StandIn:
    """ASGI layer: the API as far as the boot has come, and headers that say what answers and how long it took."""

    def __init__(self, app: ASGIApp, boot: Boot, *, nowebui: bool = False, api_auth: str | None = None) -> None:
        """`nowebui`: there is no page, and nothing below /internal. `api_auth`: "user:password", which the API asks
        for."""
        self._app = app
        self._boot = boot
        self._nowebui = nowebui
        self._login = None if api_auth is None else "Basic " + base64.b64encode(api_auth.encode()).decode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        self._boot.asked()

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["X-Stand-In"] = "a1111"
                headers["X-Process-Time"] = f"{time.perf_counter() - began:.4f}"
            await send(message)

        await (self._instead(scope) or self._app)(scope, receive, send_marked)

    def _instead(self, scope: Scope) -> ASGIApp | None:
        """What answers in place of the routes. None: they do."""
        path, boot = scope["path"], self._boot
        if self._nowebui and not path.startswith("/sdapi/"):
            return None if path == "/stand-in/stats" else _not_found
        is_registered = boot.has_routes or (path == _FIRST and boot.has_first_route)
        if path.startswith(_API) and not is_registered:
            return _not_found
        if path == _PROFILE:
            return JSONResponse({"total": 0.0, "records": {}} if boot.done else None)
        if path.startswith("/sdapi/") and self._login not in (None, Headers(scope=scope).get("authorization")):
            return Response('{"detail":"Incorrect username or password"}', 401, {"WWW-Authenticate": "Basic"})
        if path in _PAINTS and not boot.done:
            missing = f"'Api' object has no attribute 'default_script_arg_{_PAINTS[path]}'"
            return JSONResponse({"error": "AttributeError", "detail": "", "body": "", "errors": missing}, 500)
        return None


_not_found = Response('{"detail":"Not Found"}', status_code=404, media_type="application/json")
