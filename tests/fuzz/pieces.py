"""Bytes cut as a network may cut them. The first byte of an input says where, so that a fuzzer can choose."""

from __future__ import annotations


def split_off(data: bytes) -> tuple[int, bytes]:
    """The choice, and the bytes that it is about."""
    return (data[0], data[1:]) if data else (0, b"")


def cut(wire: bytes, choice: int) -> list[bytes]:
    """0: byte by byte; else pieces of so many bytes, none of them empty."""
    step = choice or 1
    return [wire[at : at + step] for at in range(0, len(wire), step)]
