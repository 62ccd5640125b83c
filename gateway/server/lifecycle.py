"""Start, stop and reload of the gateway: its signals, and the order in which things end.

    stop asked      readiness fails; answers say `Connection: close`; the listener stays open for `delay`
    delay over      what waits to be accepted is taken, the listener closes, idle connections get a FIN
    grace over      (counted from the first signal) what waits is rejected, what is at work answered or cut
    settled         children are stopped, what is left is ended, the operators' port closes
    asked again     all of that at once, without asking anybody

A request whose head was received gets an HTTP status. The loop's own signal handling and uvicorn's are both off. A
signal that comes before there is somebody to hear it is kept until there is (`run`).
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import resource
import signal
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import structlog
import uvloop

from gateway.core.records.networks import host_and_port

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterator

    from anyio.abc import TaskStatus

    from gateway.server.listener import Listener
    from gateway.server.state import TrafficState

T = TypeVar("T")

_HEARD = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

#: Seconds for the last answers to be written once grace is over; the same for what the operators still read.
_SETTLE_TIMEOUT = 2.0


#: M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's <malloc.h>, and the bytes they are set to: what uvloop reads at a
#: time is far below the one, what a few connections have in hand below the other.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_KEPT, _MAPPED = 8 << 20, 1 << 20


@dataclass(frozen=True, slots=True)
class Hooks:
    """What the rest of the gateway does at each step. The synchronous hooks return at once."""

    stopping: Callable[[], None]  # readiness fails
    grace_over: Callable[[], None]  # nothing is waited for any longer
    close_children: Callable[[], Awaitable[None]]
    reload: Callable[[], None]  # SIGHUP


class Lifecycle:
    """Owns both listeners while it serves. `delay` and `grace` are seconds."""

    def __init__(
        self,
        *,
        traffic: Listener,
        shared: TrafficState,
        operators: Listener,
        hooks: Hooks,
        delay: float,
        grace: float,
    ) -> None:
        self.is_listening = False
        self._traffic = traffic
        self._shared = shared
        self._operators = operators
        self._hooks = hooks
        self._delay = delay
        self._grace = grace
        self._stop_asked = asyncio.Event()
        self._stop_scope: anyio.CancelScope | None = None  # made when the loop turns

    def request_stop(self) -> None:
        """As SIGTERM: the first call ends everything in good order, the second one at once."""
        if self._stop_asked.is_set() and self._stop_scope is not None:
            self._stop_scope.cancel()
        self._stop_asked.set()

    async def serve(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Returns when everything has ended. Started when both ports listen."""
        log = structlog.get_logger()
        self._stop_scope = anyio.CancelScope()
        try:
            with self._signals():
                await self._operators.start()
                await self._traffic.start()
                self.is_listening = True
                log.info("listening", traffic=_shown(self._traffic), operators=_shown(self._operators))
                task_status.started()
                await self._stop_asked.wait()
                with self._stop_scope:
                    await self._stop()
            log.info("stopped", in_good_order=not self._stop_scope.cancelled_caught)
        finally:
            self.is_listening = False
            with anyio.CancelScope(shield=True):
                await self._traffic.abandon()
                await self._operators.abandon()

    async def _stop(self) -> None:
        """See the table at the top of this file."""
        grace_ends = anyio.current_time() + self._grace
        structlog.get_logger().info("stopping", delay=self._delay, grace=self._grace)
        self._shared.stopping = True
        self._hooks.stopping()
        await anyio.sleep(self._delay)

        self.is_listening = False
        await self._traffic.stop_listening()
        self._traffic.end_idle()
        with anyio.CancelScope(deadline=grace_ends):
            await self._traffic.empty()

        self._hooks.grace_over()
        with anyio.move_on_after(_SETTLE_TIMEOUT):
            await self._traffic.empty()

        await self._hooks.close_children()
        await self._traffic.abandon()
        await self._operators.stop_listening()
        self._operators.end_idle()
        with anyio.move_on_after(_SETTLE_TIMEOUT):
            await self._operators.empty()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        handlers = {
            signal.SIGTERM: self.request_stop,
            signal.SIGINT: self.request_stop,
            signal.SIGHUP: self._hooks.reload,
        }
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)  # what came meanwhile is heard now
        try:
            yield
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)


def _shown(listener: Listener) -> list[str]:
    return [host_and_port(*address) for address in listener.addresses]


def raise_descriptor_limit() -> int:
    """Raises the soft limit on open descriptors to the hard one, and returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def keep_freed_memory() -> bool:
    """Lets the C library keep freed memory for the next piece of a body: with each of the 256 KiB that uvloop
    reads at a time, glibc would give half a megabyte back to the system and take it anew. Returns whether the
    library has mallopt(3)."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return mallopt is not None and bool(mallopt(_MMAP_THRESHOLD, _MAPPED) and mallopt(_TRIM_THRESHOLD, _KEPT))


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs `main` on a uvloop, with every descriptor the system allows. Signals wait until a `Lifecycle` in it serves:
    no process is started before."""
    raise_descriptor_limit()
    keep_freed_memory()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.get_loop().set_exception_handler(_unheard)
            return runner.run(main())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _unheard(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """An error that nobody waits for. uvloop leaves the look-up of a name to itself when the connect that began it is
    given up: its answer is the reason why that took too long, and no defect."""
    error = context.get("exception")
    if not isinstance(error, socket.gaierror):
        loop.default_exception_handler(context)
        return
    structlog.get_logger().warning(
        "name_not_resolved",
        why=str(error),
        means="the answer came after the connection had been given up",
        do="see whether DNS answers in time, and whether the names in the file exist",
    )
