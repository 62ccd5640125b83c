"""The HTTP routes of an operator's orders, and who may give them. `orders.py` carries them out.

    POST   /api/backends/ID/drain      no new requests there, until `undrain`; ID is the backend's id or name
    POST   /api/backends/ID/undrain
    POST   /api/backends/ID/release    its quarantined slots are free, and it is ejected no longer
    DELETE /api/tickets/ID             the waiting request with this id leaves the line, with a 503
    GET    /api/admin                  204: the token is right

All need `Authorization: Bearer TOKEN` (RFC 6750). A page of another origin cannot send that without a preflight, and no
preflight is allowed, so cross-site requests and DNS rebinding fail. Without a token in the configuration all orders are
refused.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.ops.problems import problem

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request

    from gateway.ops.orders import Orders


@dataclass(frozen=True, slots=True)
class Admin:
    """The routes. `token` None: orders are off."""

    token: str | None
    orders: Orders

    @property
    def is_on(self) -> bool:
        """Orders are taken."""
        return self.token is not None

    @property
    def routes(self) -> list[Route]:
        """The routes of the module's table."""
        on_backends = {
            "drain": ("backend_drained", self.orders.drain),
            "undrain": ("backend_undrained", self.orders.undrain),
            "release": ("quarantine_released", self.orders.release),
        }
        return [
            Route("/api/admin", self._check),
            *(
                Route(f"/api/backends/{{id}}/{word}", self._endpoint(event, order), methods=["POST"])
                for word, (event, order) in on_backends.items()
            ),
            Route("/api/tickets/{id}", self._endpoint("request_expelled", self.orders.expel), methods=["DELETE"]),
        ]

    def refusal(self, request: Request) -> Response | None:
        """The answer that refuses the request. None: the request may give orders."""
        if self.token is None:
            return problem(403, "Admin is off", "set ops.token_file or ops.token_env to turn it on")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), self.token.encode()):
            return None
        client = request.client.host if request.client else None
        structlog.get_logger().warning(
            "admin_refused",
            client=client,
            means="an order came without the right token",
            do="send the token of ops.token_file or ops.token_env; else see who can reach this port",
        )
        return problem(401, "Not authorised", "send Authorization: Bearer TOKEN", {"WWW-Authenticate": "Bearer"})

    async def _check(self, request: Request) -> Response:
        return self.refusal(request) or Response(status_code=204)

    def _endpoint(self, event: str, order: Callable[[str], list[str]]) -> Callable[[Request], object]:
        async def endpoint(request: Request) -> Response:
            if (refusal := self.refusal(request)) is not None:
                return refusal
            name = request.path_params["id"]
            pools = order(name)
            if not pools:
                return problem(
                    404, "Nothing to do", "no such backend or nobody in line by this id, or it is so already"
                )
            client = request.client.host if request.client else None
            structlog.get_logger().info(event, id=name, pools=pools, client=client)
            return JSONResponse({"id": name, "pools": pools, "done": event})

        return endpoint
