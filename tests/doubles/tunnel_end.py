"""One end of a tunnel, in the place of a connection: what it says, and what it was told."""

from __future__ import annotations

import asyncio


class TunnelEnd(asyncio.Transport):
    """Until it is upgraded, what it `says` is kept for whoever takes it over."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = b""
        self.heard_end = False
        self.is_read = False  # what it says now is taken
        self.ahead = b""  # said before
        self.is_lost = False
        self.unsent = 0  # bytes that pile up at it
        self._tunnel: asyncio.Protocol | None = None

    # What it does

    def says(self, data: bytes) -> None:
        """Sends some bytes."""
        if self._tunnel is None:
            self.ahead += data
        else:
            assert self.is_read, "its bytes are read though the other end does not take them"
            self._tunnel.data_received(data)

    def ends(self) -> None:
        """Closes its side."""
        assert self._tunnel is not None
        self.is_read = False
        assert self._tunnel.eof_received(), "the other way does not go on"

    def breaks(self) -> None:
        """It is gone."""
        self.is_lost = True
        if self._tunnel is not None:
            self._tunnel.connection_lost(None)

    def takes_nothing(self) -> None:
        """What is sent to it piles up."""
        assert self._tunnel is not None
        self._tunnel.pause_writing()

    def takes_on(self) -> None:
        """It has taken all."""
        assert self._tunnel is not None
        self._tunnel.resume_writing()

    # What is done to it

    def join(self, tunnel: asyncio.Protocol) -> tuple[asyncio.Transport, bytes]:
        """The tunnel's, from here on."""
        self._tunnel = tunnel
        return self, self.ahead

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.heard_end, "bytes behind the end"
        assert not self.is_lost, "bytes to nobody"
        self.heard += data

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write_eof(self) -> None:
        assert not self.is_lost, "an end to nobody"
        self.heard_end = True

    def pause_reading(self) -> None:
        self.is_read = False

    def resume_reading(self) -> None:
        self.is_read = True

    def is_closing(self) -> bool:
        return self.is_lost
