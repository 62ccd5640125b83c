"""A protocol that keeps what it hears of its connection."""

from __future__ import annotations

import asyncio


class Hearing(asyncio.Protocol):
    """Half of a tunnel: the bytes, the end, the loss, and whether it should write no more."""

    def __init__(self) -> None:
        self.heard = b""
        self.heard_end = self.is_lost = self.is_full = False

    def data_received(self, data: bytes) -> None:
        self.heard += data

    def eof_received(self) -> bool:
        self.heard_end = True
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
