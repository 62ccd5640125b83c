"""Who may give orders, and what is written down of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from gateway.ops.admin import Admin
from gateway.ops.orders import Orders
from tests.ops.test_orders import driver

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.anyio

TOKEN = "t" * 32
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


class Operator:
    """Somebody at the port of a gateway with one pool of one backend."""

    def __init__(self, token: str | None = TOKEN) -> None:
        self.driver = driver("sd", "gpu-0")
        self.app = Starlette(routes=[*Admin(token, Orders(lambda: [self.driver])).routes])
        self.events: list[Any] = []

    async def ask(self, method: str, path: str, headers: Mapping[str, str | bytes]) -> httpx.Response:
        encoded = [(k.encode(), v if isinstance(v, bytes) else v.encode()) for k, v in headers.items()]
        transport = httpx.ASGITransport(self.app, client=("192.0.2.7", 4242))
        with capture_logs() as events:
            async with httpx.AsyncClient(transport=transport, base_url="http://ops") as client:
                answer = await client.request(method, path, headers=encoded)
        self.events += events
        return answer

    @property
    def is_drained(self) -> bool:
        return self.driver.pool.ready_count == 0


async def test_an_order_is_carried_out_and_logged_with_who_gave_it() -> None:
    operator = Operator()
    answer = await operator.ask("POST", "/api/backends/gpu-0/drain", RIGHT)

    assert (answer.status_code, answer.json()["pools"], operator.is_drained) == (200, ["sd"], True)
    (event,) = operator.events
    assert (event["event"], event["id"], event["pools"], event["client"]) == (
        *("backend_drained", "gpu-0", ["sd"]),
        "192.0.2.7",
    )
    assert (await operator.ask("POST", "/api/backends/gpu-0/undrain", RIGHT)).status_code == 200
    assert not operator.is_drained


@pytest.mark.parametrize(
    "told", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": TOKEN}]
)
async def test_without_the_token_nothing_happens_and_the_log_says_so_without_telling_it(told: dict[str, str]) -> None:
    operator = Operator()
    answer = await operator.ask("POST", "/api/backends/gpu-0/drain", told)

    assert (answer.status_code, answer.headers["www-authenticate"], operator.is_drained) == (401, "Bearer", False)
    assert [event["event"] for event in operator.events] == ["admin_refused"]
    assert "wrong" not in repr(operator.events)
    assert TOKEN not in repr(operator.events)


async def test_a_token_of_any_bytes_is_only_wrong() -> None:
    assert (await Operator().ask("GET", "/api/admin", {"Authorization": b"Bearer \xfc"})).status_code == 401


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/admin"),
        ("POST", "/api/backends/gpu-0/drain"),
        ("POST", "/api/backends/gpu-0/undrain"),
        ("POST", "/api/backends/gpu-0/release"),
        ("DELETE", "/api/tickets/r-1"),
    ],
)
async def test_it_is_off_unless_configured(method: str, path: str) -> None:
    operator = Operator(token=None)

    assert (await operator.ask(method, path, RIGHT)).status_code == 403
    assert (await operator.ask(method, path, {"Authorization": "Bearer "})).status_code == 403
    assert not operator.is_drained


async def test_whether_a_token_is_right_can_be_asked() -> None:
    assert (await Operator().ask("GET", "/api/admin", RIGHT)).status_code == 204


async def test_an_order_that_changes_nothing_is_404() -> None:
    operator = Operator()

    for method, path in (("POST", "/api/backends/nobody/drain"), ("DELETE", "/api/tickets/nobody")):
        answer = await operator.ask(method, path, RIGHT)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert operator.events == []
