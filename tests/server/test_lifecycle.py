"""From start to stop: the order of things, told by what a client and the hooks see."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import platform
import resource
import signal
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import pytest
import uvloop
from structlog.testing import capture_logs

from gateway.server.lifecycle import Hooks, Lifecycle, keep_freed_memory, raise_descriptor_limit, run
from gateway.server.listener import bind, operators_listener, traffic_listener
from gateway.server.state import TrafficState
from tests.doubles.eventually import eventually
from tests.server.raw_client import RawAnswer, RawClient
from tests.server.small_apps import Held, hello

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp

pytestmark = pytest.mark.anyio

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LONG = 3600.0


@dataclass
class Gateway:
    """Two ports, and what was told to the rest of the gateway."""

    app: ASGIApp
    delay: float = 0.0
    grace: float = LONG
    told: list[str] = field(default_factory=list)
    ended: bool = False
    children_end: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        shared = TrafficState()
        self.traffic = traffic_listener(bind(["127.0.0.1"], 0), self.app, shared)
        self.operators = operators_listener(bind(["127.0.0.1"], 0), hello)
        hooks = Hooks(
            stopping=lambda: self.told.append("stopping"),
            grace_over=self.grace_over,
            close_children=self.close_children,
            reload=lambda: self.told.append("reload"),
        )
        self.lifecycle = Lifecycle(
            traffic=self.traffic,
            shared=shared,
            operators=self.operators,
            hooks=hooks,
            delay=self.delay,
            grace=self.grace,
        )

    def grace_over(self) -> None:
        self.told.append("grace over")

    async def close_children(self) -> None:
        self.told.append("close children")
        await self.children_end.wait()

    async def serve(self, *, task_status: anyio.abc.TaskStatus[None]) -> None:
        await self.lifecycle.serve(task_status=task_status)
        self.ended = True

    async def dial(self) -> RawClient:
        return RawClient(*await asyncio.open_connection(*self.traffic.addresses[0]))

    async def ask_operators(self) -> RawAnswer:
        client = RawClient(*await asyncio.open_connection(*self.operators.addresses[0]))
        answer = await client.ask(GET)
        await client.close()
        return answer


@contextlib.asynccontextmanager
async def serving(gateway: Gateway) -> AsyncIterator[Gateway]:
    """`gateway` while it serves; leaving waits for its end."""
    async with anyio.create_task_group() as tasks:
        await tasks.start(gateway.serve)
        yield gateway
    assert gateway.ended
    assert not gateway.lifecycle.is_listening
    for address in (gateway.traffic.addresses[0], gateway.operators.addresses[0]):
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address)


async def test_it_serves_both_ports_until_it_is_asked_to_stop() -> None:
    async with serving(Gateway(hello)) as gateway:
        gateway.children_end.set()
        client = await gateway.dial()
        assert (await client.ask(GET)).body == b"hello"
        assert (await gateway.ask_operators()).body == b"hello"
        assert gateway.lifecycle.is_listening
        gateway.lifecycle.request_stop()
        assert await client.rest() == b""  # idle: a FIN
        await client.close()
    assert gateway.told == ["stopping", "grace over", "close children"]


async def test_for_a_while_it_goes_on_listening_and_says_close() -> None:
    async with serving(Gateway(hello, delay=LONG)) as gateway:
        gateway.lifecycle.request_stop()
        await eventually(lambda: gateway.told == ["stopping"])
        for _ in range(2):
            client = await gateway.dial()
            assert (await client.ask(GET)).fields["connection"] == "close"
            await client.close()
        gateway.lifecycle.request_stop()


async def test_what_is_at_work_ends_before_the_children_and_the_operators_port_is_last() -> None:
    held = Held()
    async with serving(Gateway(held)) as gateway:
        client = await gateway.dial()
        await client.send(GET)
        await held.arrived.wait()
        gateway.lifecycle.request_stop()
        await eventually(lambda: not gateway.lifecycle.is_listening)
        with pytest.raises(ConnectionRefusedError):
            await gateway.dial()
        assert gateway.told == ["stopping"]
        held.go.set()
        assert (await client.answer()).fields["connection"] == "close"
        await client.close()
        await eventually(lambda: "close children" in gateway.told)
        assert (await gateway.ask_operators()).status == 200
        gateway.children_end.set()


async def test_a_client_that_left_is_not_the_end_of_its_request() -> None:
    held = Held()
    async with serving(Gateway(held)) as gateway:
        gateway.children_end.set()
        client = await gateway.dial()
        await client.send(GET)
        await held.arrived.wait()
        await client.close()
        gateway.lifecycle.request_stop()
        await eventually(lambda: not gateway.lifecycle.is_listening)
        assert not gateway.traffic.is_empty
        assert gateway.told == ["stopping"]
        held.go.set()


async def test_when_grace_is_over_the_last_answers_are_still_written() -> None:
    held = Held()

    class Rejecting(Gateway):
        def grace_over(self) -> None:
            super().grace_over()
            held.go.set()

    async with serving(Rejecting(held, grace=0.0)) as gateway:
        gateway.children_end.set()
        client = await gateway.dial()
        await client.send(GET)
        await held.arrived.wait()
        gateway.lifecycle.request_stop()
        assert (await client.answer()).status == 200
        await client.close()


async def test_asked_again_it_ends_at_once() -> None:
    held = Held()
    async with serving(Gateway(held)) as gateway:
        client = await gateway.dial()
        await client.send(GET)
        await held.arrived.wait()
        gateway.lifecycle.request_stop()
        await eventually(lambda: not gateway.lifecycle.is_listening)
        gateway.lifecycle.request_stop()
        assert await client.rest() == b""
        await client.close()
    assert gateway.told == ["stopping"]


async def test_signals_are_its_own_while_it_serves() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    async with serving(Gateway(hello)) as gateway:
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(lambda: gateway.told == ["reload"])
        os.kill(os.getpid(), signal.SIGTERM)
        await eventually(lambda: "close children" in gateway.told)
        os.kill(os.getpid(), signal.SIGINT)
    assert {number: signal.getsignal(number) for number in before} == before


def test_the_descriptor_limit_is_the_hard_one() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert raise_descriptor_limit() == hard
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


def test_freed_memory_is_kept_where_the_c_library_can() -> None:
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")


def test_the_loop_is_uvloops() -> None:
    async def main() -> type:
        return type(asyncio.get_running_loop())

    assert run(main) is uvloop.Loop


def test_a_name_that_is_not_found_when_nobody_waits_any_more_is_a_warning_and_no_defect(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main() -> None:
        for error in (socket.gaierror(-2, "Name or service not known"), OSError("else")):
            asyncio.get_running_loop().create_future().set_exception(error)
        gc.collect()

    with capture_logs() as lines:
        run(main)
    assert [(line["event"], line["log_level"]) for line in lines] == [("name_not_resolved", "warning")]
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == ["else"]
