"""Backends that cost next to nothing, all in one process: `python -m bench.pods --count 4 --work 0.02`.

Each listens on a port of its own. Without work it answers a request at once with the same bytes; with work it takes
about so many seconds for each, and notes when it began and when it was done. The ports are its first line of output.
For each line of input it tells what was noted since the last, as a line of JSON; when the input ends, so does the
process.
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
from typing import cast

import httptools
import uvloop

#: By how much of itself the work varies, either way. Pods that all worked equally long would fall into step, and what
#: is in front of them would be asked for four hand-overs at once, and then for none.
_VARIES = 0.1

_BODY = b'{"answer": "a pod of the bench: the same for everybody"}'


@dataclass(frozen=True, slots=True)
class Answer:
    """The same bytes for everybody."""

    keep: bytes
    close: bytes  # says that the connection ends with it


def answer_of(size: int) -> Answer:
    """With a body of so many bytes; 0: a short one."""
    body = b"x" * size or _BODY

    def whole(*fields: bytes) -> bytes:
        head = (b"HTTP/1.1 200 OK", b"content-type: application/json", b"content-length: %d" % len(body), *fields)
        return b"\r\n".join((*head, b"", body))

    return Answer(whole(), whole(b"connection: close"))


@dataclass(slots=True)
class Pod:
    """One backend, and what it has done."""

    work: float  # seconds a request, on average; 0: none, and nothing is noted
    chance: random.Random
    says: Answer
    running: int = 0
    two_at_once: int = 0  # requests that came while another was worked on: what must not happen
    stints: list[tuple[float, float]] = field(default_factory=list)

    def take(self, connection: PodConnection) -> None:
        """Work on a request that has come whole."""
        if not self.work:
            connection.answer(self.says)
            return
        self.two_at_once += self.running > 0
        self.running += 1
        seconds = self.work * self.chance.uniform(1 - _VARIES, 1 + _VARIES)
        asyncio.get_running_loop().call_later(seconds, self._finish, connection, time.perf_counter())

    def report(self) -> dict[str, object]:
        """What happened since the last one."""
        told = {"stints": self.stints, "two_at_once": self.two_at_once}
        self.stints, self.two_at_once = [], 0
        return told

    def _finish(self, connection: PodConnection, began: float) -> None:
        self.running -= 1
        self.stints.append((began, time.perf_counter()))
        connection.answer(self.says)


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
        self._pod.take(self)

    def answer(self, says: Answer) -> None:
        """Called by the pod. Work goes on for a client that has left; it is only not told."""
        if self._transport.is_closing():
            return
        self._transport.write(says.keep if self._keep else says.close)
        if not self._keep:
            self._transport.close()


async def serve(count: int, work: float, size: int) -> None:
    """Until standard input ends."""
    loop = asyncio.get_running_loop()
    says = answer_of(size)
    pods = [Pod(work, random.Random(number), says) for number in range(count)]  # the same in every session
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
    options = parser.parse_args()
    uvloop.run(serve(options.count, options.work, options.size))


if __name__ == "__main__":
    main()
