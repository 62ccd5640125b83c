"""Held bytes come out as they went in, within their bounds, and everything is given back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from gateway.core.line.room import Budget, Room
from gateway.core.policy import Policy
from gateway.proxy.body.spool import Spool, SpoolFile
from tests.doubles.full_disk import full_disk

MIB = 1 << 20

pytestmark = pytest.mark.anyio


class Pool:
    """A pool's budget, and a spool that is charged to it."""

    def __init__(self, bytes_limit: int = 1000, *, memory: int = 10, file_limit: int = 20) -> None:
        self.budget = Budget(Policy(bytes_limit=bytes_limit))
        self.spool = Spool(Room(self.budget, place=False), memory=memory, file_limit=file_limit)


async def taken(spool: Spool) -> bytes:
    pieces = []
    while piece := await spool.read():
        pieces.append(piece)
    return b"".join(pieces)


async def test_in_memory_and_then_in_the_file_but_first_in_first_out() -> None:
    pool = Pool()
    for piece in (b"01234567", b"89", b"abcdefgh", b"ijkl"):
        assert await pool.spool.write(piece)
    assert pool.spool.size == pool.budget.bytes_held == 22
    assert await taken(pool.spool) == b"0123456789abcdefghijkl"
    assert pool.spool.size == pool.budget.bytes_held == 0
    pool.spool.close()


async def test_while_the_file_holds_anything_all_that_comes_goes_behind_it() -> None:
    pool = Pool()
    await pool.spool.write(b"0123456789")
    await pool.spool.write(b"ab")
    assert await pool.spool.read() == b"0123456789"
    await pool.spool.write(b"cd")  # memory is empty again, but "ab" is older
    assert await taken(pool.spool) == b"abcd"
    pool.spool.close()


async def test_full_takes_nothing_until_some_was_read() -> None:
    pool = Pool()
    assert await pool.spool.write(b"0123456789")
    assert await pool.spool.write(b"x" * 20)
    assert not await pool.spool.write(b"y")
    assert pool.budget.bytes_held == 30
    await pool.spool.read()
    await pool.spool.read()
    assert await pool.spool.write(b"y")
    assert await taken(pool.spool) == b"y"
    pool.spool.close()


async def test_the_file_is_a_ring() -> None:
    pool = Pool(memory=1, file_limit=7)
    await pool.spool.write(b"-")
    written, read = b"-", b""
    for number in range(50):
        piece = b"%03d" % number
        while not await pool.spool.write(piece):
            read += await pool.spool.read()
        written += piece
    read += await taken(pool.spool)
    assert read == written
    pool.spool.close()


async def test_a_pool_without_room_means_full() -> None:
    pool = Pool(bytes_limit=5)
    assert await pool.spool.write(b"1234")
    assert not await pool.spool.write(b"56")
    assert pool.budget.bytes_held == 4
    pool.spool.close()


async def test_an_empty_spool_takes_one_piece_whatever_the_pool_says() -> None:
    pool = Pool(bytes_limit=5, memory=2, file_limit=0)
    assert await pool.spool.write(b"more than all of it")
    assert pool.budget.bytes_held == 0
    assert not await pool.spool.write(b"1")
    assert await taken(pool.spool) == b"more than all of it"
    assert pool.budget.bytes_held == 0
    pool.spool.close()


async def test_close_gives_back_everything_and_may_be_repeated() -> None:
    pool = Pool()
    await pool.spool.write(b"0123456789")
    await pool.spool.write(b"in the file")
    pool.spool.close()
    pool.spool.close()
    assert pool.budget.bytes_held == pool.spool.size == 0
    assert await pool.spool.read() == b""


async def test_a_disk_that_fails_means_full_and_what_is_held_can_still_be_read() -> None:
    pool = Pool(bytes_limit=10 * MIB, file_limit=4 * MIB)
    await pool.spool.write(b"0123456789")
    await pool.spool.write(b"a" * MIB)
    with full_disk(after=MIB + 100), capture_logs() as logs:  # the first hundred bytes still fit
        assert not await pool.spool.write(b"b" * MIB)
    assert [line["event"] for line in logs] == ["spool_failed"]
    assert not await pool.spool.write(b"c")
    assert pool.budget.bytes_held == MIB + 10
    assert await taken(pool.spool) == b"0123456789" + b"a" * MIB
    pool.spool.close()


async def test_a_file_in_use_is_closed_by_its_user() -> None:
    file = SpoolFile()
    await file.write_at(0, b"abc")
    inner = file._file
    assert inner is not None

    def close_meanwhile() -> bool:
        file.close()
        return inner.closed

    assert file._guarded(close_meanwhile) is False
    assert inner.closed


@settings(deadline=None, max_examples=40)
@given(st.lists(st.one_of(st.just(0), st.integers(1, 15)), max_size=40))
async def test_any_order_of_writes_and_reads(steps: list[int]) -> None:
    """0 reads, other numbers write so many bytes."""
    pool = Pool(bytes_limit=25)
    accepted = read = b""
    for number, step in enumerate(steps):
        if step == 0:
            read += await pool.spool.read()
        elif await pool.spool.write(bytes([number]) * step):
            accepted += bytes([number]) * step
        assert pool.spool.size == len(accepted) - len(read)
        assert pool.budget.bytes_held <= min(25, pool.spool.size)
    read += await taken(pool.spool)
    assert read == accepted
    pool.spool.close()
    assert pool.budget.bytes_held == 0
