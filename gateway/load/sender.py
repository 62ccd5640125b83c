"""Sends the requests of a plan and records how each ended. Prints nothing itself.

A closed loop as `hey`'s: the plan's workers, each with a connection of its own, take requests from one counter.
"""

from __future__ import annotations

import http.cookiejar
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio
import httpx

from gateway.load.causes import cause_of
from gateway.load.pods import PodPoller
from gateway.load.progress import RunProgress
from gateway.load.result import LoadResult, RequestResult

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from gateway.load.plan import LoadPlan
    from gateway.load.progress import Display

#: Seconds between two reads of the operators' port, and between two updates of the display.
_TICK = 0.25

_DEFAULT_HEADERS = (("User-Agent", "gateway-load"), ("Accept-Encoding", "gzip"))


async def run_load(plan: LoadPlan, display: Display, stop: anyio.Event | None = None) -> LoadResult:
    """Run the plan. When `stop` is set, requests under way are given up and the rest is not sent.

    A failed request is part of the result; nothing is raised for it.
    """
    async with AsyncExitStack() as stack:
        tls = httpx.create_ssl_context(trust_env=False)  # dear to make, so that all share it
        clients = [await stack.enter_async_context(_client(plan, tls)) for _ in range(plan.concurrency)]
        poller = None
        if plan.ops is not None:
            client = await stack.enter_async_context(httpx.AsyncClient(verify=tls, trust_env=False))
            poller = PodPoller(client, plan.ops)
            await poller.poll()  # before the first request: what pods had served until then does not count
        run = _Run(plan, poller, display)
        await run.carry_out(clients, stop or anyio.Event())
        if poller is not None:
            await poller.poll()
        display(run.progress(over=True))
        return run.result()


def _client(plan: LoadPlan, tls: ssl.SSLContext) -> httpx.AsyncClient:
    given = {name.lower() for name, _ in plan.headers}
    defaults = [header for header in _DEFAULT_HEADERS if header[0].lower() not in given]
    no_cookies = http.cookiejar.DefaultCookiePolicy(allowed_domains=())
    return httpx.AsyncClient(
        headers=[(name.encode(), value.encode()) for name, value in [*defaults, *plan.headers]],
        cookies=http.cookiejar.CookieJar(None if plan.cookies else no_cookies),
        verify=tls,
        trust_env=False,  # as hey: no proxy because of a variable that somebody exported
        follow_redirects=True,  # as hey
        timeout=None,  # the plan's is one for the whole request
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=1),
    )


class _Run:
    """One run: the number of requests still to be sent, and the results of the others."""

    def __init__(self, plan: LoadPlan, poller: PodPoller | None, display: Display) -> None:
        self._plan = plan
        self._poller = poller
        self._display = display
        self._to_send = plan.requests
        self._under_way = 0
        self._ended: list[RequestResult] = []
        self._bad = 0
        self._began = time.perf_counter()
        self._seconds = 0.0

    async def carry_out(self, clients: Sequence[httpx.AsyncClient], stop: anyio.Event) -> None:
        """Return when all requests have ended or `stop` is set."""
        self._began = time.perf_counter()
        async with anyio.create_task_group() as around:
            around.start_soon(self._show)
            async with anyio.create_task_group() as workers:
                around.start_soon(_cancel_when, stop, workers.cancel_scope)
                for client in clients:
                    workers.start_soon(self._work, client)
            self._seconds = time.perf_counter() - self._began
            around.cancel_scope.cancel()

    def progress(self, over: bool = False) -> RunProgress:
        """How far the run is."""
        elapsed = time.perf_counter() - self._began
        pods = self._poller.view if self._poller else None
        return RunProgress(self._plan.requests, len(self._ended), self._bad, self._under_way, elapsed, pods, over)

    def result(self) -> LoadResult:
        """The result, once the run is over."""
        pods = self._poller.count() if self._poller else None
        return LoadResult(self._plan.requests, self._seconds, tuple(self._ended), self._under_way, pods)

    async def _show(self) -> None:
        while True:
            self._display(self.progress())
            await anyio.sleep(_TICK)
            if self._poller is not None:
                await self._poller.poll()

    async def _work(self, client: httpx.AsyncClient) -> None:
        while self._to_send:
            self._to_send -= 1
            self._under_way += 1
            ended = await self._send(client)  # cancelled here it stays under way: given up
            self._under_way -= 1
            self._ended.append(ended)
            self._bad += not ended.is_good

    async def _send(self, client: httpx.AsyncClient) -> RequestResult:
        plan, size, began = self._plan, 0, time.perf_counter()
        try:
            with anyio.fail_after(plan.timeout or None):
                async with client.stream(plan.method, plan.url, content=plan.body) as answer:
                    async for piece in answer.aiter_raw():
                        size += len(piece)
        except TimeoutError:
            return RequestResult(time.perf_counter() - began, error=f"no whole answer within {plan.timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return RequestResult(time.perf_counter() - began, error=cause_of(error))
        return RequestResult(time.perf_counter() - began, answer.status_code, size, answer.headers.get("x-backend"))


async def _cancel_when(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
