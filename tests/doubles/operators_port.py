"""An operators' port to talk to without a network: one pool that does as it is told."""

from __future__ import annotations

from typing import Any

import httpx

TOKEN = "t" * 32


class ScriptedPort(httpx.AsyncBaseTransport):
    """Answers from `pools` and notes `orders`. `down`: nobody listens."""

    def __init__(self, *pools: dict[str, Any]) -> None:
        self.pools = list(pools)
        self.orders: list[str] = []
        self.down = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As the gateway would."""
        if self.down:
            raise httpx.ConnectError("connection refused")
        path = request.url.raw_path.decode()
        if path == "/api/snapshot":
            return httpx.Response(200, json={"pools": self.pools})
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            problem = {"title": "Not authorised", "detail": "send Authorization: Bearer TOKEN"}
            return httpx.Response(401, json=problem)
        self.orders.append(f"{request.method} {path}")
        return httpx.Response(200, json={"done": True})


def told_backend(name: str, **changed: Any) -> dict[str, Any]:
    """An idle pod, as a snapshot has it."""
    counts = dict.fromkeys(("in_flight", "exempt", "quarantined", "waiting", "sessions", "served"), 0)
    told = {"name": name, "identity": f"uid/{name}", "address": "10.0.0.1:80", "state": "ready", "limit": 1}
    return {**told, **counts, "idle": 3.0, **changed}


def told_ticket(number: int, label: str, **changed: Any) -> dict[str, Any]:
    """A request in line."""
    return {"number": number, "lane": "counted", "label": label, "age": 12.5, "bound_to": None, **changed}


def told_pool(name: str = "sd", *backends: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A pool with these pods; `tickets` stand in line."""
    tickets = changed.pop("tickets", [])
    line = {
        "waiting": len(tickets),
        "waiting_exempt": 0,
        "limit": 1000,
        "oldest": tickets[0]["age"] if tickets else None,
        "expected_wait": None,
        "tickets": tickets,
    }
    return {
        "name": name,
        "cold": False,
        "stopping": False,
        "demand": len(tickets),
        "in_flight": 0,
        "slots": len(backends),
        "quarantined": 0,
        "line": line,
        "backends": list(backends),
        "sessions_live": 0,
        "sessions": [],
        "service_median": None,
        "cold_start_median": None,
        "autoscaler": None,
        **changed,
    }
