"""What operators and their tools are answered."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from structlog.testing import capture_logs

from gateway.core.views.explain import Explained
from gateway.core.views.snapshot import QuarantineView, TicketView
from gateway.metrics.collector import SnapshotCollector
from gateway.metrics.instruments import new_registry
from gateway.ops.admin import Admin
from gateway.ops.app import operators_app
from gateway.ops.event_stream import EventStream
from gateway.ops.guard import Guard
from gateway.ops.orders import Orders
from tests.core.playbook import Playbook
from tests.doubles.views import backend_view, line_view, pool_view
from tests.doubles.watched_pools import WatchedPools

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from gateway.core.views.snapshot import PoolView

pytestmark = pytest.mark.anyio

RELEASE = "/api/pools/sd/backends/gpu-0/release"
MEANT = {"X-Requested-With": "curl"}


class Gateway:
    """What the operators' app is told, and what it ordered."""

    def __init__(self, *pools: PoolView) -> None:
        self.pools = pools
        self.scalers: dict[str, dict[str, object]] = {}
        self.stale: dict[str, list[str]] = {}
        self.explained: dict[str, Explained] = {}
        self.knative: dict[str, dict[str, object]] = {}
        self.ready = (True, "ready")
        self.quarantined = {("sd", "gpu-0")}
        self.released: list[tuple[str, str]] = []
        self.token: str | None = None
        self.viewers = 32

    def release(self, pool: str, backend: str) -> bool:
        if (pool, backend) not in self.quarantined:
            return False
        self.released.append((pool, backend))
        return True

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        registry = new_registry()
        registry.register(SnapshotCollector(lambda: self.pools, dict))
        app = operators_app(
            views=lambda: self.pools,
            figures=lambda: self.pools,
            scaler_views=lambda: self.scalers,
            registry=registry,
            ready=lambda: self.ready,
            release=self.release,
            explain=self.explained.get,
            live=EventStream(WatchedPools(Playbook()).feed, self.viewers),
            admin=Admin(self.token, Orders(list)),
            stale=lambda: self.stale,
            knative=lambda: self.knative,
            guard=Guard(["gateway.example"]),
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1:9090") as client:
            yield client

    async def get(self, path: str, **headers: str) -> httpx.Response:
        async with self.client() as client:
            return await client.get(path, headers=headers)

    async def post(self, path: str, headers: dict[str, str]) -> httpx.Response:
        async with self.client() as client:
            return await client.post(path, headers=headers)


async def test_alive_and_ready_without_a_single_pool() -> None:
    assert (await Gateway().get("/healthz")).text == "ok\n"
    assert (await Gateway().get("/readyz")).status_code == 200


async def test_a_page_at_a_name_that_points_here_reads_nothing() -> None:
    """DNS rebinding: to the browser it is the same origin."""
    gateway = Gateway(pool_view("sd"))
    for path in ("/", "/api/snapshot", "/metrics", "/healthz"):
        answer = await gateway.get(path, host="rebound.example:9090")
        assert (answer.status_code, answer.headers["cache-control"]) == (421, "no-store")
    assert "ops.hosts" in answer.json()["detail"]
    assert (await gateway.get("/", host="gateway.example")).status_code == 200


async def test_not_ready_says_why() -> None:
    gateway = Gateway()
    gateway.ready = (False, "stopping")
    answer = await gateway.get("/readyz")

    assert (answer.status_code, answer.text) == (503, "stopping\n")


async def test_metrics_are_text_or_openmetrics_as_asked() -> None:
    gateway = Gateway(pool_view("sd", in_flight=3))
    plain = await gateway.get("/metrics")
    openmetrics = await gateway.get("/metrics", accept="application/openmetrics-text; version=1.0.0")

    assert plain.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'gateway_in_flight_requests{pool="sd"} 3.0' in plain.text.splitlines()
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert openmetrics.text.endswith("# EOF\n")


async def test_the_snapshot_shows_who_does_what_and_who_waits() -> None:
    working = TicketView(number=1, lane="counted", label="r-1", age=3.25, working=2.5)
    waiting = TicketView(number=2, lane="counted", label="r-2", age=1.5, bound_to="gpu-0")
    quarantine = QuarantineView(age=4.0, ends_in=float("inf"), idle_seen=True, why="connection broke")
    busy = backend_view("gpu-0", in_flight=1, idle=None, tickets=(working,), quarantines=(quarantine,))
    gateway = Gateway(pool_view("sd", line=line_view(waiting=1, tickets=(waiting,)), backends=(busy,)), pool_view("b"))
    gateway.scalers["sd"] = {"desired": 2, "stable": float("nan"), "bound": "gpus"}
    answer = await gateway.get("/api/snapshot")

    assert answer.headers["content-type"] == "application/json"
    sd, other = strict(answer)["pools"]
    assert (sd["name"], sd["backends"][0]["name"], sd["backends"][0]["state"]) == ("sd", "gpu-0", "ready")
    assert sd["backends"][0]["tickets"][0]["working"] == 2.5
    assert sd["backends"][0]["quarantines"][0]["ends_in"] is None
    assert sd["line"]["tickets"][0]["age"] == 1.5
    assert sd["line"]["tickets"][0]["bound_to"] == "gpu-0"
    assert sd["autoscaler"] == {"desired": 2, "stable": None, "bound": "gpus"}
    assert other["autoscaler"] is None


async def test_scalers_are_told_numbers() -> None:
    gateway = Gateway(pool_view("sd", demand=4))
    gateway.scalers["sd"] = {"desired": 4, "stable": float("nan")}
    answer = await gateway.get("/api/scaling")

    assert answer.headers["content-type"] == "application/json"
    sd = strict(answer)["pools"]["sd"]
    assert (sd["demand"], sd["desired"]) == (4, 4)
    assert "stable" not in sd


async def test_a_release_is_passed_on_and_logged() -> None:
    gateway = Gateway()
    with capture_logs() as events:
        answer = await gateway.post(RELEASE, MEANT)

    assert answer.json() == {"pool": "sd", "backend": "gpu-0", "released": True}
    assert gateway.released == [("sd", "gpu-0")]
    assert [(e["event"], e["pool"], e["backend"]) for e in events] == [("quarantine_released", "sd", "gpu-0")]


async def test_the_pool_of_a_revision_has_a_slash_in_its_name() -> None:
    gateway = Gateway()
    gateway.quarantined = {("sd/sd-00001", "gpu-0")}
    await gateway.post("/api/pools/sd/sd-00001/backends/gpu-0/release", MEANT)

    assert gateway.released == [("sd/sd-00001", "gpu-0")]


async def test_a_release_of_nothing_is_404_and_leaves_no_line() -> None:
    gateway = Gateway()
    with capture_logs() as events:
        answer = await gateway.post("/api/pools/sd/backends/nobody/release", MEANT)

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["title"] == "Nothing to release"
    assert events == []


async def test_a_release_that_nobody_may_mean_changes_nothing() -> None:
    gateway = Gateway()

    assert (await gateway.post(RELEASE, {})).status_code == 403
    assert (await gateway.post(RELEASE, {**MEANT, "Origin": "http://evil.example:9090"})).status_code == 403
    assert (await gateway.get(RELEASE)).status_code == 405
    assert gateway.released == []


async def test_where_orders_want_a_token_a_release_wants_it_too() -> None:
    gateway = Gateway()
    gateway.token = "t" * 32

    assert (await gateway.post(RELEASE, MEANT)).status_code == 401
    assert gateway.released == []
    assert (await gateway.post(RELEASE, {**MEANT, "Authorization": f"Bearer {gateway.token}"})).status_code == 200


async def test_too_many_viewers_are_told_so() -> None:
    gateway = Gateway()
    gateway.viewers = 0
    answer = await gateway.get("/api/live")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_the_feed_has_a_head_like_any_other_answer() -> None:
    async with Gateway().client() as client:
        answer = await client.head("/api/live")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert (answer.headers["cache-control"], answer.content) == ("no-store", b"")


async def test_a_head_has_the_same_head_as_a_get() -> None:
    async with Gateway(pool_view()).client() as client:
        for path in ("/", "/healthz", "/readyz", "/metrics", "/api/snapshot", "/api/scaling"):
            assert (await client.head(path)).status_code == (await client.get(path)).status_code == 200


async def test_nothing_is_stored_and_nobody_elses_page_may_read() -> None:
    async with Gateway().client() as client:
        for path in ("/", "/static/main.js", "/metrics", "/api/snapshot", "/no-such-page"):
            answer = await client.get(path, headers={"Origin": "http://evil.example"})
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["x-frame-options"] == "DENY"
            assert not [name for name in answer.headers if name.startswith("access-control-")]


async def test_the_page_comes_with_its_policy() -> None:
    answer = await Gateway().get("/")

    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]


async def test_the_pages_files_have_their_types_and_there_are_no_others() -> None:
    async with Gateway().client() as client:
        types = {
            path: (await client.get(f"/static/{path}")).headers["content-type"] for path in ("main.js", "style.css")
        }
        assert types == {"main.js": "text/javascript; charset=utf-8", "style.css": "text/css; charset=utf-8"}
        for path in ("nothing.js", "..%2fapp.py", "../app.py"):
            assert (await client.get(f"/static/{path}")).status_code == 404


def strict(answer: httpx.Response) -> Any:
    """JSON as the standard has it: `NaN` and `Infinity` are none."""
    return json.loads(answer.text, parse_constant=pytest.fail)


async def test_why_one_request_is_where_it_is() -> None:
    gateway = Gateway()
    gateway.explained["r/1 x"] = Explained("r/1 x", "sd", "waiting", 3, None, "counted; gpu-1 busy")
    found, unknown = await gateway.get("/api/requests/r/1%20x"), await gateway.get("/api/requests/r")

    assert found.json() == {
        "request": "r/1 x",
        "pool": "sd",
        "state": "waiting",
        "place": 3,
        "backend": None,
        "why": "counted; gpu-1 busy",
    }
    assert unknown.status_code == 404


async def test_what_is_known_of_backends_may_not_be_true() -> None:
    gateway = Gateway(pool_view("sd"), pool_view("other"))
    gateway.stale["sd"] = ["cannot list endpointslices"]
    sd, other = strict(await gateway.get("/api/snapshot"))["pools"]
    assert (sd["stale"], other["stale"]) == (["cannot list endpointslices"], [])


async def test_what_knative_says_stands_beside_the_pool_that_it_is_about() -> None:
    gateway = Gateway(pool_view("sd"), pool_view("other"))
    gateway.knative["sd"] = {"share": 100}
    sd, other = strict(await gateway.get("/api/snapshot"))["pools"]
    assert sd["knative"] == {"share": 100}
    assert (await gateway.get("/api/knative")).json() == {"pools": {"sd": {"share": 100}}}
    assert "knative" not in other
