"""One connection of the traffic port: bytes in, one request at a time to the application, bytes out.

A protocol class for uvicorn (`Config(http=GatewayProtocol)`), in place of uvicorn's own httptools protocol. It refuses
what is malformed, too big or too slow before any application code runs, and watches the client while its request is
worked on. It never looks into a body and knows nothing of pools.

    state     bytes that come                        its deadline                            left when
    PROXY     are a PROXY header                     FIN                                     it is whole: HEAD
    HEAD      are a request's head                   idle: FIN; a head half read: 408        the head is whole
    BODY      are the request's body                 none: the application's affair          the body is whole
    WORKING   wait for their turn, up to a bound     none                                    the answer is whole: HEAD
    TUNNEL    are the tunnel's, after a 101          none: it lives as long as both ends     the tunnel is over
    REJECTED  are answered 503                       closes                                  they come: LINGER
    LINGER    are discarded, up to a bound           closes                                  (closed)
    CLOSED    are ignored                            aborts: what is unsent, nobody takes    (gone)

A connection begins in HEAD, in PROXY if a trusted proxy tells whose it is, or in REJECTED if there are too many. A
rejected one is answered when it asks: some clients take an answer that comes before their request for a broken
connection. Every state ends in CLOSED when the client leaves. A client that half-closes has left, as in uvicorn and
HAProxy; a tunnel passes the half-close on, and goes on the other way.
"""

from __future__ import annotations

import asyncio
import enum
import socket
import struct
from typing import TYPE_CHECKING, Any, cast

import structlog
from uvicorn.protocols.http.flow_control import FlowControl

from gateway.server import head_rules
from gateway.server.body import BodyReader, ChunkedBody, CountedBody
from gateway.server.cycle import RequestCycle
from gateway.server.deadline import Deadline
from gateway.server.head import HeadReader, RequestHead
from gateway.server.openings import opening_of
from gateway.server.proxy_header import ProxyHeaderReader
from gateway.server.refusals import HEAD_TOO_SLOW, Refusal, Refused, refusal_answer
from gateway.server.scope import ConnectionAddresses, http_scope

if TYPE_CHECKING:
    from uvicorn import Config

    from gateway.server.state import TrafficState

#: SO_LINGER on, 0 seconds: closing resets.
_RESET = struct.pack("ii", 1, 0)


class _State(enum.Enum):
    PROXY = enum.auto()
    HEAD = enum.auto()
    BODY = enum.auto()
    WORKING = enum.auto()
    TUNNEL = enum.auto()
    REJECTED = enum.auto()
    LINGER = enum.auto()
    CLOSED = enum.auto()


#: Bound to names: looking a member up in its class is a function call in Python 3.11.
_PROXY, _HEAD, _BODY, _WORKING, _TUNNEL, _REJECTED, _LINGER, _CLOSED = _State


class GatewayProtocol(asyncio.Protocol):
    """See the module. `server_state` is shared by all connections of the port."""

    def __init__(
        self,
        config: Config,
        server_state: TrafficState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._app = config.loaded_app
        self.shared = server_state
        self._limits = server_state.limits
        self._loop = _loop or asyncio.get_running_loop()
        self._deadline = Deadline(self._loop, self._too_late)
        self._heads = HeadReader(self._limits)
        self._state = _HEAD
        self._proxy_header = ProxyHeaderReader()  # in PROXY
        self._cycle: RequestCycle | None = None  # in BODY, WORKING and TUNNEL
        self._tunnel = asyncio.Protocol()  # in TUNNEL
        self._body: BodyReader = CountedBody(0)
        self._waiting: list[bytes] = []  # bytes that came before their turn
        self._taken = 0  # bytes waiting, or discarded
        self._small_reads = 0  # of the body
        self._rests = False  # from reading it
        self._linger_for = self._limits.linger_shortly
        self._linger_ends = 0.0  # on the loop's clock
        self._has_served = False
        self._heard_end = False  # the client has closed its side of a tunnel
        self.is_last = False  # no further request is wanted

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._flow = FlowControl(self.transport)
        self._addresses = ConnectionAddresses(self.transport)
        address = self._addresses.client and self._addresses.client[0]
        self._admission = self.shared.enter(self, address)
        if self._admission.refusal is None:
            self._deadline.set(self._limits.header_timeout)
            if self.shared.is_behind_proxy(address):
                self._state = _PROXY
        else:
            self._reject(self._admission.refusal)

    def data_received(self, data: bytes) -> None:
        try:
            if self._state is _HEAD:
                self._read_head(data)
            elif self._state is _BODY:
                self._read_body(cast("RequestCycle", self._cycle), data)
            elif self._state is _WORKING:
                self._keep(data)
            elif self._state is _TUNNEL:
                self._tunnel.data_received(data)
            elif self._state is _LINGER:
                self._discard(data)
            elif self._state is _PROXY:
                self._read_proxy_header(data)
            elif self._state is _REJECTED:
                self._answer(cast("Refusal", self._admission.refusal))
        except Refused as refused:
            other = opening_of(self._heads.unfinished + data) if self._state is _HEAD else None
            self._refuse(other or refused.refusal)

    def eof_received(self) -> bool | None:
        if self._state is _TUNNEL:
            self._heard_end = True
            return self._tunnel.eof_received()
        if self._cycle is not None:
            self._cycle.cut()
        self._close()
        return None

    def connection_lost(self, exc: Exception | None) -> None:
        self.shared.leave(self, self._admission)
        if self._linger_for is self._limits.linger:
            self.shared.lingering -= 1
        if self._state is _TUNNEL:
            self._tunnel.connection_lost(exc)
        self._state = _CLOSED
        self._deadline.close()
        self._heads.close()
        if self._cycle is not None:
            self._cycle.leave()
            self._cycle = None

    def pause_writing(self) -> None:
        self._flow.pause_writing()
        if self._cycle is not None:
            self._cycle.write_paused = True
        if self._state is _TUNNEL:
            self._tunnel.pause_writing()

    def resume_writing(self) -> None:
        self._flow.resume_writing()
        if self._cycle is not None:
            self._cycle.write_paused = False
            self._cycle.wake()
        if self._state is _TUNNEL:
            self._tunnel.resume_writing()

    # What the life cycle calls.

    def shutdown(self) -> None:
        """No further request is wanted: an idle connection ends, a busy one with its answer.

        One that was accepted a moment ago may have its request on the way: it is given `settle_timeout`.
        """
        self.is_last = True
        if self._state is _LINGER:
            self._linger_ends = min(self._linger_ends, self._loop.time() + self._limits.linger_shortly.total)
            self._deadline.set(self._linger_ends - self._loop.time())
        if self._state not in (_HEAD, _PROXY) or self._heads.has_begun:
            return
        if self._has_served:
            self._close()
        else:
            self._deadline.set(self._limits.settle_timeout)

    # What the request's cycle calls (`cycle.Connection`).

    def wants_body(self) -> None:
        if self._state is _BODY and not self._rests:
            self._flow.resume_reading()

    def answered(self) -> None:
        cycle, self._cycle = self._cycle, None
        self._has_served = True
        if self.transport.is_closing():
            return  # it broke a moment ago: whoever asked next is not there for an answer
        if cycle is not None and cycle.keeps_alive and not self.is_last:
            self._next_request()
        elif self._state is _BODY or self._waiting or (self._state is _TUNNEL and not self._heard_end):
            self._linger()
        else:
            self._close()

    def switch(self, tunnel: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """The connection is the tunnel's. It reads nothing until the tunnel says so; what was read is handed over."""
        early = b"".join(self._waiting)
        self._forget_waiting()
        self._flow.pause_reading()
        self._state, self._tunnel = _TUNNEL, tunnel
        return self.transport, early

    def end(self, *, reset: bool) -> None:
        """Ends the connection in mid-answer. What is unsent still goes out, unless nobody takes it anyway."""
        if reset:
            self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        if reset or self._flow.write_paused:
            self._abort()
        else:
            self._close()

    # Bytes that come, by state.

    def _read_proxy_header(self, data: bytes) -> None:
        read = self._proxy_header.feed(data)
        if read is None:
            return
        source, behind = read
        self._state = _HEAD
        if source is not None:
            self._addresses.client = source
            self._admission = self.shared.came_from(source[0], self._admission)
            if self._admission.refusal is not None:
                self._reject(self._admission.refusal)
        if behind:
            self.data_received(behind)

    def _read_head(self, data: bytes) -> None:
        had_begun = self._heads.has_begun
        found = self._heads.feed(data)
        if found is not None:
            self._begin(*found)
        elif self._heads.has_begun and not had_begun:
            self._deadline.set(self._limits.header_timeout)

    def _begin(self, head: RequestHead, behind: bytes) -> None:
        """The head is whole: the application gets the request, unless what came with it is already wrong."""
        cycle = RequestCycle(self, head, write_paused=self._flow.write_paused)
        if head.length == 0:
            self._state = _WORKING
            if behind:
                self._keep(behind)
        else:
            self._state = _BODY
            self._small_reads = 0
            chunked = head.length == head_rules.CHUNKED
            self._body = ChunkedBody(self._limits.chunk_extras) if chunked else CountedBody(head.length)
            if behind:
                self._read_body(cycle, behind)
        self._cycle = cycle
        self._deadline.clear()
        self.shared.at_work.add(cycle)
        cycle.task = self._loop.create_task(cycle.run(self._app, http_scope(head, self._addresses, cycle)))

    def _read_body(self, cycle: RequestCycle, data: bytes) -> None:
        content, behind = self._body.feed(data)
        cycle.feed(content, complete=self._body.done)
        if self._body.done:
            self._state = _WORKING
            if behind:
                self._keep(behind)
        elif cycle.buffered > self._limits.ahead:
            self._flow.pause_reading()
        elif len(data) < self._limits.small:
            self._small_reads += 1
            if self._small_reads > self._limits.small_reads:
                self._rests = True
                self._flow.pause_reading()
                self._loop.call_later(self._limits.rest, self._has_rested)

    def _has_rested(self) -> None:
        self._rests = False
        if self._cycle is not None and self._cycle.buffered <= self._limits.ahead:
            self.wants_body()

    def _keep(self, data: bytes) -> None:
        self._waiting.append(data)
        self._taken += len(data)
        if self._taken > self._limits.ahead:
            self._flow.pause_reading()

    def _discard(self, data: bytes) -> None:
        self._taken += len(data)
        if self._taken > self._linger_for.size:
            self._close()
        else:
            self._deadline.set(min(self._linger_for.idle, self._linger_ends - self._loop.time()))

    # Ways from one state to another.

    def _next_request(self) -> None:
        waiting = b"".join(self._waiting)
        self._forget_waiting()
        self._state = _HEAD
        self._flow.resume_reading()
        self._deadline.set(self._limits.idle_timeout)
        if waiting:
            self.data_received(waiting)

    def _reject(self, refusal: Refusal) -> None:
        """Over the bounds: answered 503 when it asks, or ended at once if too many wait for that answer already."""
        self.shared.refused(refusal.reason)
        if self._admission.is_told:
            self._state = _REJECTED
            self._deadline.set(self._limits.linger_shortly.idle)
        else:
            self._warn(refusal)
            self._abort()

    def _refuse(self, refusal: Refusal) -> None:
        """Answers by itself. In mid-body the application already works on the request: to it, its client is gone."""
        cycle, self._cycle = self._cycle, None
        if cycle is None:
            self.shared.refused(refusal.reason)
        else:
            cycle.malformed = True
            if cycle.has_written:
                cycle.cut()
                return
            cycle.leave()
        self._answer(refusal)

    def _answer(self, refusal: Refusal) -> None:
        request_id = self.shared.new_id()
        self._warn(refusal, request_id=request_id)
        self.transport.write(refusal_answer(refusal, request_id, self.shared.date()))
        self._linger()

    def _warn(self, refusal: Refusal, **named: str) -> None:
        """The log rations it: one line for each reason, whoever it was."""
        peer = self._addresses.client[0] if self._addresses.client else None
        structlog.get_logger().warning(
            "request_refused", reason=refusal.reason, port=self.shared.port, peer=peer, **named, do=refusal.do
        )

    def _linger(self) -> None:
        """Half-closes, and reads on for a while: closing on unread input would reset, and lose the answer."""
        self._forget_waiting()
        if self._state is not _REJECTED and self.shared.lingering < self._limits.lingering:
            self.shared.lingering += 1
            self._linger_for = self._limits.linger
        self._state = _LINGER
        self.transport.write_eof()
        self._flow.resume_reading()
        self._linger_ends = self._loop.time() + self._linger_for.total
        self._deadline.set(self._linger_for.idle)

    def _close(self) -> None:
        """Ends with a FIN, when the client has taken what is still unsent."""
        self._state = _CLOSED
        self.transport.close()
        if self.transport.get_write_buffer_size():
            self._deadline.set(self._limits.flush_timeout)
        else:
            self._deadline.clear()

    def _abort(self) -> None:
        """Ends at once, whatever is unsent."""
        self._state = _CLOSED
        self.transport.abort()

    def _too_late(self) -> None:
        if self._state is _HEAD and self._heads.has_begun:
            self._refuse(HEAD_TOO_SLOW)
        elif self._state is _CLOSED:
            self._abort()
        else:
            self._close()

    def _forget_waiting(self) -> None:
        self._waiting = []
        self._taken = 0
