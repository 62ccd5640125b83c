"""The other side of a websocket that the gateway speaks itself: a page, or a pod, of the tests' own making."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side, State

if TYPE_CHECKING:
    from tests.doubles.tunnel_end import TunnelEnd


class WebSocketPeer:
    """Speaks through one end of a connection. Answers pings and goodbyes when it `hears`."""

    def __init__(self, end: TunnelEnd, side: Side) -> None:
        self.end = end
        self._protocol = Protocol(side)
        self._read = 0

    def says(self, **message: Any) -> None:
        """One message."""
        self.says_text(json.dumps(message).encode())

    def says_text(self, text: bytes, *, fin: bool = True) -> None:
        """Any text, or the beginning of one."""
        self._protocol.send_text(text, fin=fin)
        self._flush()

    def goes_on(self, text: bytes, *, fin: bool = True) -> None:
        """With a text that it has begun."""
        self._protocol.send_continuation(text, fin=fin)
        self._flush()

    def says_bytes(self, content: bytes) -> None:
        """No text."""
        self._protocol.send_binary(content)
        self._flush()

    def pings(self) -> None:
        """Is anybody there?"""
        self._protocol.send_ping(b"x")
        self._flush()

    def closes(self) -> None:
        """Goodbye."""
        self._protocol.send_close(1000)
        self._flush()

    def frames(self) -> list[Frame]:
        """What has come since the last call."""
        new, self._read = self.end.heard[self._read :], len(self.end.heard)
        if new:
            self._protocol.receive_data(new)
        self._flush()
        return [event for event in self._protocol.events_received() if isinstance(event, Frame)]

    def hears(self) -> list[Any]:
        """The messages among them."""
        return [json.loads(bytes(frame.data)) for frame in self.frames() if frame.opcode is Opcode.TEXT]

    def kinds(self) -> list[str]:
        """Of which kinds they are, in Gradio's words."""
        return [message["msg"] for message in self.hears()]

    @property
    def is_closed(self) -> bool:
        """Both have said goodbye."""
        return self._protocol.state is not State.OPEN and self._protocol.close_rcvd is not None

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.end.says(data)
