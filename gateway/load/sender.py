"""Sends the requests of a plan and notes how each ended. Prints nothing: the display is told.

A closed loop, as `hey`'s: as many workers as the plan says, each with a connection of its own, take from one count.
"""

from __future__ import annotations

import http.cookiejar
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio
import httpx

from gateway.load.causes import words
from gateway.load.pods import PodWatch
from gateway.load.progress import Tally
from gateway.load.result import Ended, LoadResult

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from gateway.load.plan import LoadPlan
    from gateway.load.progress import Display

#: Seconds between two looks at the operators' port, and between two updates of the display.
_TICK = 0.25

_DEFAULT_HEADERS = (("User-Agent", "gateway-load"), ("Accept-Encoding", "gzip"))


async def run_load(plan: LoadPlan, display: Display, stop: anyio.Event | None = None) -> LoadResult:
    """Carry out the plan. When `stop` is set, what is under way is given up and the rest is not sent.

    A request that fails is part of the result; nothing is raised for it.
    """
    async with AsyncExitStack() as stack:
        tls = httpx.create_ssl_context(trust_env=False)  # dear to make, so that all share it
        clients = [await stack.enter_async_context(_client(plan, tls)) for _ in range(plan.concurrency)]
        watch = None
        if plan.ops is not None:
            watcher = await stack.enter_async_context(httpx.AsyncClient(verify=tls, trust_env=False))
            watch = PodWatch(watcher, plan.ops)
            await watch.look()  # before the first request: what pods had served until then is not ours
        run = _Run(plan, watch, display)
        await run.carry_out(clients, stop or anyio.Event())
        if watch is not None:
            await watch.look()
        display(run.tally(over=True))
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
    """One run: how many requests are still to be sent, and what became of the others."""

    def __init__(self, plan: LoadPlan, watch: PodWatch | None, display: Display) -> None:
        self._plan = plan
        self._watch = watch
        self._display = display
        self._to_send = plan.requests
        self._under_way = 0
        self._ended: list[Ended] = []
        self._bad = 0
        self._began = time.perf_counter()
        self._seconds = 0.0

    async def carry_out(self, clients: Sequence[httpx.AsyncClient], stop: anyio.Event) -> None:
        """Send until all have ended or `stop` is set."""
        self._began = time.perf_counter()
        async with anyio.create_task_group() as around:
            around.start_soon(self._show)
            async with anyio.create_task_group() as workers:
                around.start_soon(_cancel_when, stop, workers.cancel_scope)
                for client in clients:
                    workers.start_soon(self._work, client)
            self._seconds = time.perf_counter() - self._began
            around.cancel_scope.cancel()

    def tally(self, over: bool = False) -> Tally:
        """Where the run is now."""
        elapsed = time.perf_counter() - self._began
        pods = self._watch.view if self._watch else None
        return Tally(self._plan.requests, len(self._ended), self._bad, self._under_way, elapsed, pods, over)

    def result(self) -> LoadResult:
        """What came of it; to be asked for when it is over."""
        pods = self._watch.count() if self._watch else None
        return LoadResult(self._plan.requests, self._seconds, tuple(self._ended), self._under_way, pods)

    async def _show(self) -> None:
        while True:
            self._display(self.tally())
            await anyio.sleep(_TICK)
            if self._watch is not None:
                await self._watch.look()

    async def _work(self, client: httpx.AsyncClient) -> None:
        while self._to_send:
            self._to_send -= 1
            self._under_way += 1
            ended = await self._send(client)  # cancelled here it stays under way: given up
            self._under_way -= 1
            self._ended.append(ended)
            self._bad += not ended.is_good

    async def _send(self, client: httpx.AsyncClient) -> Ended:
        plan, size, began = self._plan, 0, time.perf_counter()
        try:
            with anyio.fail_after(plan.timeout or None):
                async with client.stream(plan.method, plan.url, content=plan.body) as answer:
                    async for piece in answer.aiter_raw():
                        size += len(piece)
        except TimeoutError:
            return Ended(time.perf_counter() - began, error=f"no whole answer within {plan.timeout:g} s")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return Ended(time.perf_counter() - began, error=words(error))
        return Ended(time.perf_counter() - began, answer.status_code, size, answer.headers.get("x-backend"))


async def _cancel_when(event: anyio.Event, scope: anyio.CancelScope) -> None:
    await event.wait()
    scope.cancel()
