"""Backends that cost next to nothing, all in one process: `python -m bench.pods --count 4 --work 0.02`.

Each listens on a port of its own. Without work it answers a request at once with the same bytes; with work it takes
about so many seconds for each but a GET, or fails, as its manner is, and notes when it began and when it was done. The
ports are its first line of output. For each line of input it tells what was noted since the last, as a line of JSON;
when the input ends, so does the process.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, cast

import httptools
import uvloop

from bench.manners import MANNERS, End

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.manners import Turn

_BODY = b'{"answer": "a pod of the bench: the same for everybody"}'


@dataclass(frozen=True, slots=True)
class Answer:
    """The same bytes for everybody."""

    keep: bytes
    close: bytes  # says that the connection ends with it


def answer_of(size: int, status: bytes = b"200 OK") -> Answer:
    """With a body of so many bytes; 0: a short one."""
    body = b"x" * size or _BODY

    def whole(*fields: bytes) -> bytes:
        head = (b"HTTP/1.1 " + status, b"content-type: application/json", b"content-length: %d" % len(body), *fields)
        return b"\r\n".join((*head, b"", body))

    return Answer(whole(), whole(b"connection: close"))


_ERROR = answer_of(0, b"500 Internal Server Error")


@dataclass(slots=True)
class Pod:
    """One backend, and what it has done."""

    turns: Iterator[Turn] | None  # without an end; None: it does not work, and nothing is noted
    says: Answer
    running: int = 0
    two_at_once: int = 0  # requests that came while another was worked on: what must not happen
    stints: list[tuple[float, float]] = field(default_factory=list)

    def take(self, connection: PodConnection, method: bytes) -> None:
        """Work on a request that has come whole."""
        if self.turns is None or method == b"GET":
            connection.answer(self.says)
            return
        self.two_at_once += self.running > 0
        self.running += 1
        turn = next(self.turns)
        asyncio.get_running_loop().call_later(turn.seconds, self._finish, connection, turn.end, time.perf_counter())

    def report(self) -> dict[str, object]:
        """What happened since the last one."""
        told = {"stints": self.stints, "two_at_once": self.two_at_once}
        self.stints, self.two_at_once = [], 0
        return told

    def _finish(self, connection: PodConnection, end: End, began: float) -> None:
        self.running -= 1
        self.stints.append((began, time.perf_counter()))
        if end is End.CLOSE:
            connection.close()
        else:
            connection.answer(self.says if end is End.ANSWER else _ERROR)


class PodConnection(asyncio.Protocol):
    """One client of a pod. No pipelining: nobody here does."""

    def __init__(self, pod: Pod) -> None:
        self._pod = pod
        self._parser = httptools.HttpRequestParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        """Called by the parser."""
        self._keep = self._parser.should_keep_alive()
        self._pod.take(self, self._parser.get_method())

    def answer(self, says: Answer) -> None:
        """Called by the pod. Work goes on for a client that has left; it is only not told."""
        if self._transport.is_closing():
            return
        self._transport.write(says.keep if self._keep else says.close)
        if not self._keep:
            self._transport.close()

    def close(self) -> None:
        """Called by the pod: no answer comes."""
        self._transport.close()


async def serve(count: int, work: float, size: int, manner: str) -> None:
    """Until standard input ends."""
    loop = asyncio.get_running_loop()
    says = answer_of(size)
    turns = [MANNERS[manner](work, random.Random(number)) for number in range(count)]  # the same in every session
    pods = [Pod(each if work else None, says) for each in turns]
    servers = [await loop.create_server(partial(PodConnection, pod), "127.0.0.1", 0, backlog=1024) for pod in pods]
    _say([server.sockets[0].getsockname()[1] for server in servers])
    over = loop.create_future()

    def asked() -> None:
        if os.read(sys.stdin.fileno(), 4096):
            _say([pod.report() for pod in pods])
        elif not over.done():
            over.set_result(None)

    loop.add_reader(sys.stdin.fileno(), asked)
    await over
    loop.remove_reader(sys.stdin.fileno())


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)


def main() -> None:
    """The entry point."""
    parser = argparse.ArgumentParser(prog="python -m bench.pods", description="Backends for the bench.")
    parser.add_argument("--count", type=int, required=True, help="how many")
    parser.add_argument("--work", type=float, default=0.0, metavar="SECONDS", help="for each request (default: none)")
    parser.add_argument("--size", type=int, default=0, metavar="BYTES", help="of an answer's body (default: few)")
    parser.add_argument("--manner", choices=MANNERS, default="well", help="of working (default: %(default)s)")
    options = parser.parse_args()
    uvloop.run(serve(options.count, options.work, options.size, options.manner))


if __name__ == "__main__":
    main()
