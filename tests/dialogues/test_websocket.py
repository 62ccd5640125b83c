"""One end of a websocket that the gateway speaks itself. Time is virtual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest
from websockets.frames import CloseCode, Opcode
from websockets.protocol import Side

from gateway.dialogues.websocket import WebSocketEnd
from tests.doubles.tunnel_end import TunnelEnd
from tests.doubles.virtual_time import settled, virtual_time_of_asyncio
from tests.doubles.websocket_peer import WebSocketPeer

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


def opened(
    side: Side = Side.SERVER, takes: Callable[[int], bool] = lambda count: True
) -> tuple[WebSocketEnd, WebSocketPeer]:
    end = WebSocketEnd(side, longest=200_000, takes=takes)
    connection = TunnelEnd()
    transport, early = connection.join(end)
    end.open(transport, early)
    return end, WebSocketPeer(connection, Side.CLIENT if side is Side.SERVER else Side.SERVER)


@pytest.mark.parametrize("side", list(Side))
async def test_messages_pass_both_ways(side: Side) -> None:
    end, peer = opened(side)
    peer.says(who="peer")
    end.send(b'{"who": "end"}')
    assert await end.receive() == b'{"who": "peer"}'
    assert peer.hears() == [{"who": "end"}]
    assert (end.bytes_in > 15, end.bytes_out) == (True, 14)


async def test_what_came_with_the_handshake_is_not_lost() -> None:
    connection = TunnelEnd()
    WebSocketPeer(connection, Side.CLIENT).says(early=True)
    end = WebSocketEnd(Side.SERVER, longest=100)
    end.open(*connection.join(end))
    assert await end.receive() == b'{"early": true}'


async def test_a_message_in_pieces_is_one_and_a_ping_between_them_is_answered() -> None:
    end, peer = opened()
    peer.says_text(b'{"a', fin=False)
    peer.pings()
    peer.goes_on(b'":', fin=False)
    peer.goes_on(b"1}")
    assert await end.receive() == b'{"a":1}'
    assert [frame.opcode for frame in peer.frames()] == [Opcode.PONG]


async def test_one_who_does_not_read_makes_the_other_side_wait() -> None:
    end, peer = opened()
    peer.says_text(b"x" * 70_000)
    assert not peer.end.is_read
    assert len(await end.receive() or b"") == 70_000
    assert peer.end.is_read


async def test_a_goodbye_ends_it_behind_what_was_said() -> None:
    end, peer = opened()
    told: list[bool] = []
    end.on_gone(lambda: told.append(end.gone))
    peer.says(last=True)
    peer.closes()
    assert (told, end.gone) == ([True], True)
    assert [await end.receive(), await end.receive()] == [b'{"last": true}', None]
    end.send(b"to nobody")
    assert [frame.opcode for frame in peer.frames()] == [Opcode.CLOSE]
    end.on_gone(lambda: told.append(False))
    assert told == [True, False]


@pytest.mark.parametrize("how", ["ends", "breaks"])
async def test_so_does_the_end_of_the_connection(how: str) -> None:
    end, peer = opened()
    async with anyio.create_task_group() as tasks:
        heard: list[bytes | None] = []

        async def listen() -> None:
            heard.append(await end.receive())

        tasks.start_soon(listen)
        await settled()
        getattr(peer.end, how)()
    assert (heard, end.gone) == ([None], True)
    end.send(b"to nobody")
    await end.close(CloseCode.NORMAL_CLOSURE, 5)
    assert peer.end.heard == b""


async def test_our_goodbye_waits_for_theirs_but_not_for_ever() -> None:
    end, _ = opened()
    began = anyio.current_time()
    await end.close(CloseCode.NORMAL_CLOSURE, 5)
    assert anyio.current_time() - began == 5
    end, peer = opened()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(end.close, CloseCode.NORMAL_CLOSURE, 5)
        await settled()
        peer.frames()
    assert (peer.is_closed, anyio.current_time() - began) == (True, 5)


async def test_a_message_that_is_too_long_is_not_kept() -> None:
    end, peer = opened()
    peer.says_text(b"x" * 200_001)
    assert (end.gone, await end.receive()) == (True, None)
    assert peer.frames()[0].opcode is Opcode.CLOSE


async def test_nor_one_in_too_many_pieces() -> None:
    end, peer = opened()
    peer.says_text(b"x" * 150_000, fin=False)
    peer.goes_on(b"x" * 150_000)
    assert (end.gone, await end.receive()) == (True, None)


async def test_without_room_nothing_is_heard_but_it_can_be_said_so() -> None:
    asked: list[int] = []

    def takes(count: int) -> bool:
        asked.append(count)
        return len(asked) < 2

    end, peer = opened(takes=takes)
    peer.says(first=True)
    peer.says(second=True)
    peer.says(third=True)
    assert (end.gone, len(asked)) == (True, 2)
    assert [await end.receive(), await end.receive()] == [b'{"first": true}', None]
    end.send(b'{"no": "room"}')
    assert peer.hears() == [{"no": "room"}]
    await end.close(CloseCode.NORMAL_CLOSURE, 5)
    assert peer.frames()[0].opcode is Opcode.CLOSE


async def test_bytes_that_are_no_text_and_no_websocket_at_all_end_it() -> None:
    end, peer = opened()
    peer.says_bytes(b"x")
    assert (end.gone, await end.receive()) == (True, None)
    end, peer = opened()
    peer.end.says(b"GET / HTTP/1.1\r\n\r\n")
    assert end.gone


async def test_who_is_not_listened_to_may_say_little_and_leave() -> None:
    end, peer = opened()
    end.listen_no_more()
    peer.says(small="talk")
    peer.pings()
    assert not end.gone
    peer.closes()
    assert (end.gone, await end.receive()) == (True, None)
    end, peer = opened()
    end.listen_no_more()
    peer.says_text(b"x" * 5000)
    assert end.gone


async def test_it_is_waited_for_while_it_takes_something() -> None:
    end, peer = opened()
    assert await end.drained(1)
    peer.end.unsent = 100
    peer.end.takes_nothing()
    results: list[bool] = []

    async def wait() -> None:
        results.append(await end.drained(10))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(wait)
        await anyio.sleep(9)
        peer.end.unsent = 50
        await anyio.sleep(9)
        peer.end.takes_on()
    assert results == [True]
    peer.end.takes_nothing()
    began = anyio.current_time()
    assert (await end.drained(10), anyio.current_time() - began, end.unsent) == (False, 10, 50)


async def test_who_is_given_up_is_gone() -> None:
    end, peer = opened()
    end.give_up()
    assert (end.gone, await end.receive()) == (True, None)
    peer.says(anything=1)
    assert await end.receive() is None
