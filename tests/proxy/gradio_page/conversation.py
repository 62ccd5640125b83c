"""Pages and pods of Gradio 3 on the two sides of a gatehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from websockets.protocol import Side

from gateway.proxy.websocket.handshake import agreement_to
from tests.doubles.websocket_peer import WebSocketPeer
from tests.doubles.websocket_pod import KEY

if TYPE_CHECKING:
    from tests.doubles.scripted_upstream import ScriptedExchange
    from tests.doubles.visiting_client import VisitingClient
    from tests.proxy.gatehouse import Gatehouse

HANDSHAKE = (("upgrade", "websocket"), ("sec-websocket-version", "13"), ("sec-websocket-key", KEY.decode()))


class Page(WebSocketPeer):
    """One click: its websocket, from the handshake on."""

    def __init__(self, client: VisitingClient, session: str, number: int) -> None:
        super().__init__(client.end, Side.CLIENT)
        self.client = client
        self._who: dict[str, Any] = {"fn_index": number, "session_hash": session}

    def gives_hash(self) -> None:
        """Who it is."""
        self.says(**self._who)

    def gives_data(self, *data: object) -> None:
        """What is clicked."""
        self.says(data=data, event_data=None, **self._who)


class Pod(WebSocketPeer):
    """One event at a pod, which has agreed to the websocket."""

    def __init__(self, exchange: ScriptedExchange) -> None:
        super().__init__(exchange.end, Side.SERVER)
        exchange.begins(101, [(b"sec-websocket-accept", agreement_to(exchange.request.headers))])


async def opens(gate: Gatehouse, session: str, number: int = 0, *headers: tuple[str, str]) -> Page:
    """A page that has joined, and has said nothing."""
    client = await gate.visit("GET /queue/join", *HANDSHAKE, *headers)
    return Page(client, session, number)


async def clicks(gate: Gatehouse, session: str, *data: object, number: int = 0) -> Page:
    """A page of somebody with a cookie, which has told all it has to tell."""
    page = await opens(gate, session, number, gate.cookie(session))
    assert page.kinds() == ["send_hash"]
    page.gives_hash()
    await gate.settled()
    assert page.kinds() == ["send_data"]
    page.gives_data(*data)
    await gate.settled()
    return page


async def takes(gate: Gatehouse, exchange: int = -1) -> Pod:
    """The pod works on the event."""
    pod = Pod(gate.upstream.exchanges[exchange])
    await gate.settled()
    pod.says(msg="send_hash")
    await gate.settled()
    pod.says(msg="estimation", rank=0, queue_size=1)
    pod.says(msg="send_data")
    await gate.settled()
    pod.says(msg="process_starts")
    await gate.settled()
    return pod


async def completes(gate: Gatehouse, pod: Pod, *output: object, success: bool = True) -> None:
    """It is done, and says goodbye."""
    pod.says(msg="process_completed", output={"data": output}, success=success)
    await gate.settled()
    pod.frames()
    await gate.settled()
