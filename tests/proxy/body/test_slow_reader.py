"""What a slow client has not taken yet waits for it, within bounds; and who never waits for whom."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
import pytest
from structlog.testing import capture_logs

from gateway.core.line.room import Budget, Room
from gateway.core.policy import Policy
from gateway.proxy.body.slow_reader import SlowReader
from tests.doubles.full_disk import full_disk
from tests.doubles.virtual_time import settled, virtual_time_of_asyncio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

MIB = 1 << 20


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


class Reader:
    """A client, and the spool between it and a backend."""

    def __init__(self, bytes_limit: int = 10, *, limit: int = 10) -> None:
        self.budget = Budget(Policy(bytes_limit=bytes_limit))
        self.got: list[bytes] = []
        self.is_done = False  # told that this was all
        self.is_there = True
        self._may_go_on = anyio.Event()
        room = Room(self.budget, place=False)
        self.spool = SlowReader(room, limit=limit, write=self._write, ready=self._ready)

    def takes_all(self) -> None:
        """From now on it is ready at once."""
        self._may_go_on.set()

    def leaves(self) -> None:
        """It takes nothing more."""
        self.is_there = False
        self._may_go_on.set()

    async def _ready(self) -> bool:
        await self._may_go_on.wait()
        return self.is_there

    async def _write(self, piece: bytes, more: bool) -> None:
        self.got.append(piece)
        self.is_done = not more


@asynccontextmanager
async def reading(reader: Reader) -> AsyncIterator[Reader]:
    """Its own task runs meanwhile, comes to its end, and leaves nothing held."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader.spool.write_out)
        yield reader
    reader.spool.close()
    assert reader.budget.bytes_held == 0


@asynccontextmanager
async def busy_disk() -> AsyncIterator[None]:
    """Whoever wants to read or write a file waits, until this is left."""
    threads = anyio.to_thread.current_default_thread_limiter()
    number, threads.total_tokens = threads.total_tokens, 1
    async with threads:
        yield
    threads.total_tokens = number


async def test_what_was_put_is_taken_in_order_and_once() -> None:
    async with reading(Reader()) as reader:
        for piece in (b"a", b"b", b"c"):
            await reader.spool.put(piece)
        assert (reader.budget.bytes_held, reader.got) == (3, [])
        reader.spool.complete()
        reader.takes_all()
    assert (reader.got, reader.is_done) == ([b"a", b"b", b"c"], True)


async def test_one_that_keeps_up_gets_each_piece_and_then_the_end() -> None:
    async with reading(Reader()) as reader:
        reader.takes_all()
        for piece in (b"a", b"b"):
            await reader.spool.put(piece)
            await settled()
            assert (reader.got[-1], reader.is_done, reader.budget.bytes_held) == (piece, False, 0)
        reader.spool.complete()
    assert (reader.got, reader.is_done) == ([b"a", b"b", b""], True)


async def test_a_full_spool_waits_until_some_was_taken() -> None:
    async with reading(Reader(bytes_limit=2)) as reader:
        await reader.spool.put(b"ab")
        async with anyio.create_task_group() as filling:
            filling.start_soon(reader.spool.put, b"cd")
            await settled()
            assert reader.budget.bytes_held == 2
            reader.takes_all()
        reader.spool.complete()
    assert (b"".join(reader.got), reader.is_done) == (b"abcd", True)


async def test_whoever_fills_it_is_not_held_up_by_one_who_has_left() -> None:
    async with reading(Reader(bytes_limit=2)) as reader:
        await reader.spool.put(b"ab")
        async with anyio.create_task_group() as filling:
            filling.start_soon(reader.spool.put, b"waits")
            await settled()
            reader.leaves()
        await reader.spool.put(b"dropped")
    assert (reader.got, reader.is_done) == ([], False)


async def test_who_empties_it_while_the_disk_fails_gets_the_rest_all_the_same() -> None:
    async with reading(Reader(bytes_limit=10 * MIB, limit=10 * MIB)) as reader:
        await reader.spool.put(b"m" * MIB)  # as much as memory takes
        with full_disk(after=MIB // 4), capture_logs() as logs:
            async with anyio.create_task_group() as filling, busy_disk():
                filling.start_soon(reader.spool.put, b"f" * MIB)
                await settled()
                reader.takes_all()
                await settled()
        assert [line["event"] for line in logs] == ["spool_failed"]
        reader.spool.complete()
    assert b"".join(reader.got) == b"m" * MIB + b"f" * MIB
