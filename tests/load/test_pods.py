"""What is read from the operators' port, in the form in which it is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from gateway.load.pods import PodPoller, PodView
from gateway.ops.plain_json import plain
from tests.doubles.views import backend_view, line_view, pool_view

if TYPE_CHECKING:
    from gateway.core.views.snapshot import PoolView

pytestmark = pytest.mark.anyio


class ScriptedOps:
    """An operators' port that serves what it is told: pools, an answer, or a broken connection."""

    def __init__(self) -> None:
        self.next: list[PoolView] | httpx.Response | httpx.TransportError = []
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if isinstance(self.next, httpx.TransportError):
            raise self.next
        if isinstance(self.next, httpx.Response):
            return self.next
        return httpx.Response(200, json={"pools": plain(self.next)})


def poller_of(ops: ScriptedOps) -> PodPoller:
    return PodPoller(httpx.AsyncClient(transport=httpx.MockTransport(ops)), "http://ops:9090/")


async def test_what_pods_served_before_the_run_is_not_counted() -> None:
    ops = ScriptedOps()
    poller = poller_of(ops)
    ops.next = [pool_view(backends=(backend_view("gpu-0", served=100),))]
    await poller.poll()
    ops.next = [pool_view(backends=(backend_view("gpu-0", served=103), backend_view("gpu-1", served=2)))]
    await poller.poll()
    assert poller.count().served == {"gpu-0": 3, "gpu-1": 2}
    assert poller.count().most_ready == 2
    assert ops.asked == ["http://ops:9090/api/snapshot"] * 2


async def test_a_pod_that_went_is_still_counted() -> None:
    ops = ScriptedOps()
    poller = poller_of(ops)
    await poller.poll()
    ops.next = [pool_view(backends=(backend_view("gpu-0", served=5),))]
    await poller.poll()
    ops.next = [pool_view(backends=())]
    await poller.poll()
    assert (poller.count().served, poller.count().most_ready) == ({"gpu-0": 5}, 1)


async def test_all_pools_are_seen_together() -> None:
    ops = ScriptedOps()
    poller = poller_of(ops)
    starting = backend_view("gpu-1", state="starting")
    ops.next = [
        pool_view("sd", in_flight=1, line=line_view(waiting=4), backends=(backend_view("gpu-0"), starting)),
        pool_view("xl", in_flight=2, line=line_view(waiting=3), backends=(backend_view("gpu-9"),)),
    ]
    await poller.poll()
    assert poller.view == PodView(waiting=7, in_flight=3, ready=2, starting=1)


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (httpx.ReadTimeout(""), "ReadTimeout"),
        (httpx.Response(404), "HTTPStatusError: Client error '404 Not Found'"),
        (httpx.Response(200, text="hello"), "not a snapshot"),
        (httpx.Response(200, json={"pools": [{}]}), "not a snapshot"),
    ],
)
async def test_a_look_that_fails_is_a_trouble_until_one_succeeds(
    broken: httpx.Response | httpx.TransportError, error: str
) -> None:
    ops = ScriptedOps()
    poller = poller_of(ops)
    ops.next = broken
    await poller.poll()
    assert poller.view is None
    assert poller.count().error.startswith(f"http://ops:9090/api/snapshot: {error}")
    ops.next = []
    await poller.poll()
    assert poller.count().error == ""
