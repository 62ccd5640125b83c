"""Lines to a descriptor: whole, in order, and never at anybody's expense."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from gateway.logs.line_writer import LineWriter

if TYPE_CHECKING:
    from collections.abc import Iterator


class Pipe:
    """Its reader's and its writer's end."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()
        self._open = {self.reader, self.writer}

    def fill(self) -> int:
        """Write until the next byte would have to wait; answers how many bytes that took."""
        os.set_blocking(self.writer, False)
        filled = 0
        try:
            while True:
                filled += os.write(self.writer, b"." * 65_536)
        except BlockingIOError:
            os.set_blocking(self.writer, True)
        return filled

    def read(self, size: int) -> bytes:
        """Wait for exactly so many bytes."""
        got = b""
        while len(got) < size:
            got += os.read(self.reader, size - len(got))
        return got

    def close(self, end: int) -> None:
        self._open.remove(end)
        os.close(end)

    def close_all(self) -> None:
        for end in tuple(self._open):
            self.close(end)


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    both_ends = Pipe()
    yield both_ends
    both_ends.close_all()


def test_lines_arrive_in_order_without_being_asked_for(pipe: Pipe) -> None:
    lost: list[int] = []
    with LineWriter(pipe.writer, lost.append) as writer:
        writer.write("one")
        writer.write("two")
        assert pipe.read(8) == b"one\ntwo\n"
        writer.write("three")
        assert pipe.read(6) == b"three\n"
    assert lost == []


def test_leaving_writes_what_has_gathered(pipe: Pipe) -> None:
    lost: list[int] = []
    with LineWriter(pipe.writer, lost.append) as writer:
        for number in range(100):
            writer.write(f"{number:03}")

    assert lost == []
    assert pipe.read(400) == b"".join(b"%03d\n" % number for number in range(100))


def test_a_reader_that_does_not_read_holds_up_nobody(pipe: Pipe) -> None:
    filled = pipe.fill()
    lost: list[int] = []
    with LineWriter(pipe.writer, lost.append, limit=10) as writer:
        for number in range(50):
            writer.write(f"{number:03}")  # would hang here
        assert sum(lost) >= 30  # at most two lots of ten wait: one gathering, one in the writer's hands
        pipe.read(filled)

    kept = 50 - sum(lost)
    assert pipe.read(4 * kept).startswith(b"000\n001\n")


def test_a_reader_that_is_gone_costs_the_lines_and_nothing_else(pipe: Pipe) -> None:
    pipe.close(pipe.reader)
    lost: list[int] = []
    with LineWriter(pipe.writer, lost.append) as writer:
        writer.write("one")
        writer.write("two")
    writer.write("after the end")

    assert sum(lost) == 3


def test_a_full_disk_costs_the_lines_and_nothing_else() -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    lost: list[int] = []
    try:
        with LineWriter(full, lost.append) as writer:
            writer.write("one")
    finally:
        os.close(full)

    assert lost == [1]
