"""An endpoint between clients and backends of the tests' own making: a real pool and driver, one pool `sd` of limit 1.

What requests cost, by their paths:

    /paint   counted        /again   counted, a POST may be repeated        /secret   denied
    /page*   exempt         /progress   passive
"""

from __future__ import annotations

import itertools
import json
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import anyio

from gateway.core.policy import Policy
from gateway.core.pool import Pool
from gateway.core.records.lanes import Lane, WhenBusy
from gateway.core.records.listed import Listed
from gateway.core.routing import Route, Router
from gateway.profiles.generic import generic
from gateway.profiles.rules import rule
from gateway.proxy.endpoint import Endpoint
from gateway.proxy.headers.forwarded import TrustedProxies
from gateway.proxy.pool.rules import OnClientGone, Rules
from gateway.proxy.pool.served_pool import ServedPool
from gateway.proxy.session.cookie import SessionCookies
from gateway.runtime.driver import Driver
from tests.doubles.scripted_upstream import ScriptedExchange, ScriptedUpstream
from tests.doubles.virtual_time import settled
from tests.doubles.visiting_client import VisitingClient

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from anyio.abc import TaskGroup

    from gateway.core.views.record import RequestRecord

RULES = Rules(
    when_busy=WhenBusy.WAIT,
    max_body=1000,
    body_total=600,
    body_idle=30,
    response_start=600,
    idle=300,
    write_stall=60,
    total=900,
    drain_timeout=None,
    quarantine_max=None,
    response_spool=1 << 20,
    on_client_gone=OnClientGone.FINISH,
    longest_wait=100,
    expose_backend=False,
    allowed_origins=frozenset({b"https://ui.example"}),
)

PROFILE = generic(
    (
        rule("* /page*", Lane.EXEMPT),
        rule("* /progress", Lane.PASSIVE),
        rule("* /secret", Lane.DENIED),
        rule("* /again", Lane.COUNTED, repeatable=True),
    )
)

TTL = 1800

#: The peer whose word counts.
PROXY = "10.0.0.1"


class Gatehouse:
    """The endpoint and everything around it. Time is virtual."""

    def __init__(self, tasks: TaskGroup) -> None:
        self.upstream = ScriptedUpstream()
        self.driver = Driver(Pool("sd", Policy(client_share=100), anyio.current_time()), anyio.current_time)
        sessions = (f"session-{number}" for number in itertools.count(1))
        self.cookies = SessionCookies(["k" * 32], pool="sd", name="sd", ttl=TTL, new_id=lambda: next(sessions))
        self.served = ServedPool("sd", self.driver, PROFILE, self.cookies, self.upstream, RULES)
        self.records: list[RequestRecord] = []
        self.verdicts: list[tuple[str, str]] = []
        self.clients: list[VisitingClient] = []
        self.failures: list[Exception] = []
        self._tasks = tasks
        self._visits: list[anyio.CancelScope] = []
        self.endpoint = Endpoint(
            Router([Route("sd", ("sd.example",))]),
            {"sd": self.served},
            trusted=TrustedProxies([PROXY]),
            health_path="/.gateway/healthz",
            id_prefix="id-",
            clock=anyio.current_time,
            record=self.records.append,
            cookie_seen=lambda pool, verdict: self.verdicts.append((pool, verdict)),
            spawn=self.start,
        )
        self._start(self.driver.run)

    # Before

    def ready(self, *names: str) -> None:
        """These backends exist, and no others."""
        self.driver.replace_backends([Listed(name, f"{name}:1", name, ready=True) for name in names])

    def rules(self, **changed: Any) -> None:
        """For one exchange."""
        self.served.rules = replace(self.served.rules, **changed)

    def policy(self, **changed: Any) -> None:
        """Of the pool."""
        self.driver.refit(replace(self.driver.pool.policy, **changed))

    # What happens

    async def visit(
        self,
        request: str,
        *headers: tuple[str, str],
        body: bytes | None = None,
        announced: int | None = None,
        host: str = "sd.example",
        peer: str = "192.0.2.1",
    ) -> VisitingClient:
        """A request comes, and goes as far as it gets by itself. `announced`: so long a body is still to come."""
        method, target = request.split(" ")
        raw_path, _, query = target.removeprefix("http://sd.example").encode().partition(b"?")
        length = announced if announced is not None else None if body is None else len(body)
        fields = [("host", host), *headers, *([] if length is None else [("content-length", str(length))])]
        scope: dict[str, Any] = {
            "method": method,
            "path": unquote_to_bytes(raw_path).decode(),
            "raw_path": raw_path,
            "query_string": query,
            "scheme": "http",
            "client": (peer, 50000) if peer else None,
            "headers": [(name.encode(), value.encode()) for name, value in fields],
        }
        client = VisitingClient(scope, target.encode(), websocket=any(name == "upgrade" for name, _ in headers))
        scope["extensions"] = {"gateway.client": client}
        self.clients.append(client)
        if body is not None:
            client.says(body)
        self._start(partial(self._serve, client))
        await self.settled()
        return client

    async def settled(self) -> None:
        """Everybody waits for somebody else."""
        await settled()

    async def passes(self, seconds: float) -> None:
        """So much time."""
        await anyio.sleep(seconds)
        await self.settled()

    async def stops(self) -> None:
        """The gateway's grace is over."""
        self.driver.stop()
        self.endpoint.stop()
        await self.settled()

    async def is_ended(self) -> None:
        """A second signal: what is left is ended at once."""
        for visit in self._visits:
            visit.cancel()
        await self.settled()

    # What can be seen

    @property
    def pod(self) -> ScriptedExchange:
        """The last exchange with a backend."""
        return self.upstream.exchanges[-1]

    @property
    def record(self) -> RequestRecord:
        """Of the request that ended last."""
        return self.records[-1]

    @property
    def held(self) -> int:
        """Bytes of the pool's budget."""
        return self.driver.pool.budget.bytes_held

    @property
    def waiting(self) -> int:
        """Requests in line."""
        return self.driver.pool.waiting + self.driver.pool.waiting_exempt

    def slot(self, name: str = "gpu-1") -> str:
        """What the only slot of a backend is."""
        backend = self.driver.pool.backends[name]
        if backend.in_flight:
            return "working"
        return "quarantined" if backend.quarantines else "free"

    def quarantine(self, name: str = "gpu-1") -> float:
        """Seconds for which the slot is quarantined yet. An operator then frees it."""
        (quarantine,) = self.driver.pool.backends[name].quarantines
        self.driver.release(name)
        return quarantine.until - anyio.current_time()

    def why_quarantined(self, name: str = "gpu-1") -> str:
        """As the operators read it."""
        (quarantine,) = self.driver.pool.backends[name].quarantines
        return quarantine.why

    def cookie(self, session: str = "mine", home: str = "gpu-1", *, age: float = 0) -> tuple[str, str]:
        """The header of a client that got its cookie so many seconds ago."""
        issued = self.cookies.issue(session, home, time.time() - age, secure=False)
        return "cookie", issued.partition(b";")[0].decode()

    def home_of(self, client: VisitingClient) -> str | None:
        """Where the cookie that the client just got sends it; None: it got none."""
        told = client.header("set-cookie")
        if told is None:
            return None
        claim = self.cookies.read([(b"cookie", told.partition(";")[0].encode())], time.time(), lambda _: False).claim
        assert claim is not None
        return self.cookies.home_of(claim, self.driver.pool.backends.keys())

    def assert_nothing_is_left(self) -> None:
        """Every request has its record and gave back what it held; no client is watched, no connection kept."""
        pool = self.driver.pool
        assert not self.failures
        assert len(self.records) == len(self.clients)
        assert (pool.demand, pool.quarantined, self.waiting) == (0, 0, 0)
        assert not any(backend.uncounted for backend in pool.backends.values())
        assert (pool.budget.bytes_held, pool.budget.uploading) == (0, 0)
        assert all(exchange.closed for exchange in self.upstream.exchanges)
        assert all(client.gone or client.has_all for client in self.clients)
        assert not any(client.is_watched for client in self.clients)

    def start(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """A task that may outlive what asked for it."""
        self._start(run)

    def _start(self, run: Callable[[], Awaitable[None]]) -> None:
        """What fails fails the test at its end: here it would end the task that runs all tests, and hang them."""

        async def task() -> None:
            try:
                await run()
            except Exception as error:  # whatever it is
                self.failures.append(error)

        self._tasks.start_soon(task)

    async def _serve(self, client: VisitingClient) -> None:
        with anyio.CancelScope() as visit:
            self._visits.append(visit)
            await self.endpoint(client.scope, client.receive, client.send)


@asynccontextmanager
async def open_gatehouse() -> AsyncIterator[Gatehouse]:
    """With one backend, gpu-1. Fails if anything is left at the end."""
    async with anyio.create_task_group() as tasks:
        gate = Gatehouse(tasks)
        gate.ready("gpu-1")
        await gate.settled()
        yield gate
        await gate.settled()
        gate.assert_nothing_is_left()
        tasks.cancel_scope.cancel()


def reason(client: VisitingClient) -> tuple[int | None, str]:
    """What an answer of the gateway's own says."""
    return client.status, json.loads(client.body)["reason"]
