"""A request's body: bounded, timed, charged before it is read, kept in memory or in a file, or passed on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from structlog.testing import capture_logs
from trio.testing import MockClock

from gateway.core.line.room import Budget, Room
from gateway.core.policy import Policy
from gateway.core.records.decisions import Ending, Reason, Refusal
from gateway.proxy.body.request_body import SLOWEST, RequestBody, read_body
from gateway.proxy.body.stored import NO_BODY, Body
from gateway.proxy.errors import BodyTooLarge, BodyTooSlow, ClientLeft, Refused
from tests.doubles.full_disk import full_disk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio

CHUNKED = [(b"host", b"x"), (b"transfer-encoding", b"chunked")]
NOTHING: list[tuple[bytes, bytes]] = [(b"host", b"x")]
NO_ROOM = Refusal(Reason.BYTES_FULL, 10)
MIB = 1 << 20


def of_length(length: int) -> list[tuple[bytes, bytes]]:
    return [(b"host", b"x"), (b"content-length", str(length).encode())]


class Sender:
    """An ASGI `receive`: gives the pieces, then the end; or stalls or leaves instead of the last one."""

    def __init__(self, *pieces: bytes, then: str = "end") -> None:
        self.asked = 0
        self._pieces = list(pieces)
        self._then = then

    async def __call__(self) -> dict[str, Any]:
        self.asked += 1
        if self._pieces:
            piece = self._pieces.pop(0)
            return {"type": "http.request", "body": piece, "more_body": bool(self._pieces) or self._then != "end"}
        if self._then == "stall":
            await anyio.sleep_forever()
        return {"type": "http.disconnect"} if self._then == "leave" else {"type": "http.request"}


class Pool:
    """A pool's budget, and a body read at its charge."""

    def __init__(self, bytes_limit: int = 100 * MIB) -> None:
        self.budget = Budget(Policy(bytes_limit=bytes_limit))
        self.room = Room(self.budget, place=True)

    async def read(self, inbound: RequestBody, max_body: int = 100 * MIB, idle_timeout: float = 30) -> Body:
        return await read_body(
            inbound, room=self.room, refusal=lambda: NO_ROOM, max_body=max_body, idle_timeout=idle_timeout
        )


async def all_of(body: bytes | AsyncIterator[bytes] | None) -> bytes:
    assert body is not None
    return body if isinstance(body, bytes) else b"".join([piece async for piece in body])


async def test_no_body_costs_nothing() -> None:
    sender = Sender()
    inbound = RequestBody(sender, NOTHING)
    body = await Pool().read(inbound)
    assert body is NO_BODY
    assert body.stream() is inbound.stream(max_body=0, idle_timeout=0) is None
    assert (inbound.has_body, inbound.ended, sender.asked) == (False, True, 0)


async def test_an_empty_body_is_a_body() -> None:
    sender = Sender()
    inbound = RequestBody(sender, of_length(0))
    body = await Pool().read(inbound)
    assert body.stream() == inbound.stream(max_body=0, idle_timeout=0) == b""
    assert (inbound.has_body, inbound.ended, sender.asked) == (True, True, 0)


async def test_a_small_body_stays_in_memory_and_can_be_sent_again() -> None:
    inbound = RequestBody(Sender(b"pretty ", b"", b"dog"), of_length(10))
    body = await Pool().read(inbound)
    assert body.stream() == body.stream() == b"pretty dog"
    assert (body.length, inbound.received, inbound.ended) == (10, 10, True)
    body.close()


async def test_a_large_body_goes_to_a_file_and_can_be_sent_again() -> None:
    sent = [bytes([number]) * 100_000 for number in range(30)]
    body = await Pool().read(RequestBody(Sender(*sent), CHUNKED))
    assert not isinstance(body.stream(), bytes)
    assert body.length == 3_000_000
    assert await all_of(body.stream()) == await all_of(body.stream()) == b"".join(sent)
    body.close()
    body.close()


async def test_what_is_announced_must_fit_before_the_first_byte_is_read_and_is_charged_as_it_comes() -> None:
    sender = Sender(b"x" * 11)
    pool = Pool(bytes_limit=10)
    with pytest.raises(Refused) as refused:
        await pool.read(RequestBody(sender, of_length(11)))
    assert refused.value.refusal is NO_ROOM
    assert sender.asked == 0

    pool = Pool(bytes_limit=11)
    with pytest.raises(ClientLeft):
        await pool.read(RequestBody(Sender(b"x" * 4, then="leave"), of_length(11)))
    assert pool.budget.bytes_held == 4
    pool.room.close()
    assert (pool.budget.bytes_held, pool.budget.uploading) == (0, 0)


async def test_an_unannounced_length_is_charged_piece_by_piece() -> None:
    sender = Sender(b"12345", b"67890", b"1", b"never asked for")
    pool = Pool(bytes_limit=10)
    inbound = RequestBody(sender, CHUNKED)
    with pytest.raises(Refused):
        await pool.read(inbound)
    assert pool.budget.bytes_held == 10
    assert (sender.asked, inbound.ended) == (3, False)


async def test_too_large_by_announcement_is_refused_before_anything_is_read() -> None:
    sender = Sender(b"12345")
    with pytest.raises(BodyTooLarge) as refused:
        await Pool().read(RequestBody(sender, of_length(5)), max_body=4)
    assert (refused.value.limit, refused.value.declared) == (4, 5)
    with pytest.raises(BodyTooLarge):
        RequestBody(sender, of_length(5)).stream(max_body=4, idle_timeout=30)
    assert sender.asked == 0


async def test_too_large_unannounced_is_refused_when_it_shows() -> None:
    with pytest.raises(BodyTooLarge) as refused:
        await Pool().read(RequestBody(Sender(b"123", b"45"), CHUNKED), max_body=4)
    assert refused.value.declared is None


async def test_a_stalled_body_is_too_slow() -> None:
    with pytest.raises(BodyTooSlow):
        await Pool().read(RequestBody(Sender(b"123", then="stall"), CHUNKED), idle_timeout=0)


class Dripping:
    """An ASGI `receive` of a client that sends a piece every so many seconds, and never comes to an end."""

    def __init__(self, size: int, every: float) -> None:
        self._piece = bytes(size)
        self._every = every

    async def __call__(self) -> dict[str, Any]:
        await anyio.sleep(self._every)
        return {"type": "http.request", "body": self._piece, "more_body": True}


@pytest.mark.parametrize("headers", [CHUNKED, of_length(MIB)], ids=["chunked", "counted"])
@pytest.mark.parametrize("anyio_backend", [("trio", {"clock": MockClock(autojump_threshold=0)})], ids=["virtual time"])
class TestDrip:
    """Time is virtual."""

    async def test_a_body_that_drips_is_too_slow(self, headers: list[tuple[bytes, bytes]]) -> None:
        pool = Pool()
        began = anyio.current_time()
        with pytest.raises(BodyTooSlow) as slow:
            await pool.read(RequestBody(Dripping(1, every=20), headers), idle_timeout=30)
        assert anyio.current_time() - began == pytest.approx(30, abs=0.1)
        assert slow.value.received == 1
        assert slow.value.waited == pytest.approx(30, abs=0.1)

    async def test_one_just_below_the_least_rate_has_its_start_and_no_more(
        self, headers: list[tuple[bytes, bytes]]
    ) -> None:
        with pytest.raises(BodyTooSlow) as slow:
            await Pool().read(RequestBody(Dripping(SLOWEST * 9, every=10), headers), idle_timeout=30)
        assert slow.value.waited == pytest.approx(210, abs=1)  # 30 s of start, less one in every ten

    async def test_one_at_the_least_rate_goes_on(self, headers: list[tuple[bytes, bytes]]) -> None:
        stream = RequestBody(Dripping(SLOWEST * 20, every=20), headers).stream(max_body=MIB, idle_timeout=30)
        assert stream is not None
        assert not isinstance(stream, bytes)
        with pytest.raises(BodyTooLarge):  # it came to that
            await all_of(stream)

    async def test_a_backend_that_takes_it_slowly_is_not_the_clients_fault(
        self, headers: list[tuple[bytes, bytes]]
    ) -> None:
        stream = RequestBody(Dripping(100, every=1), headers).stream(max_body=MIB, idle_timeout=30)
        assert stream is not None
        assert not isinstance(stream, bytes)
        for _ in range(20):
            assert len(await anext(stream)) == 100
            await anyio.sleep(60)


async def test_a_client_that_leaves_has_left_uploading() -> None:
    with pytest.raises(ClientLeft) as left:
        await Pool().read(RequestBody(Sender(b"123", then="leave"), of_length(5)))
    assert left.value.ending is Ending.CLIENT_LEFT_UPLOADING


async def test_a_body_that_breaks_off_in_the_file_leaves_nothing_open() -> None:
    inbound = RequestBody(Sender(b"x" * (2 * MIB), then="leave"), CHUNKED)
    with pytest.raises(ClientLeft):
        await Pool().read(inbound)  # an open file would be a ResourceWarning, and so an error


async def test_a_full_disk_is_no_room() -> None:
    pool = Pool()
    with full_disk(after=MIB), capture_logs() as logs, pytest.raises(Refused) as refused:
        await pool.read(RequestBody(Sender(b"x" * (3 * MIB)), CHUNKED))
    assert refused.value.refusal is NO_ROOM
    assert [line["event"] for line in logs] == ["spool_failed"]


async def test_a_body_can_be_passed_on_as_it_comes() -> None:
    sender = Sender(b"pretty ", b"", b"dog")
    inbound = RequestBody(sender, CHUNKED)
    stream = inbound.stream(max_body=10, idle_timeout=30)
    assert stream is not None
    assert not isinstance(stream, bytes)
    assert await anext(stream) == b"pretty "
    assert (sender.asked, inbound.received, inbound.ended) == (1, 7, False)
    assert [piece async for piece in stream] == [b"dog"]
    assert (inbound.received, inbound.ended, inbound.error) == (10, True, None)


async def test_what_went_wrong_is_told_again_and_stands_in_error() -> None:
    inbound = RequestBody(Sender(b"pretty ", b"dog"), CHUNKED)
    stream = inbound.stream(max_body=9, idle_timeout=30)
    for _ in range(2):
        with pytest.raises(BodyTooLarge):
            await all_of(stream)
    assert isinstance(inbound.error, BodyTooLarge)
    assert not inbound.ended
