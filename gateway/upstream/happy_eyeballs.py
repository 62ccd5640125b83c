"""Connects to a name that has several addresses (Happy Eyeballs, RFC 8305): each is tried a little later than the one
before, or as soon as that one has failed, and the first connection wins. So a family that leads nowhere costs a quarter
of a second, as it does a probe, and not the whole time for connecting.
"""

from __future__ import annotations

import asyncio
import socket
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: A family and what a socket of that family connects to.
Address = tuple[int, tuple[Any, ...]]

#: Seconds that one address has before the next is tried, too (RFC 8305 8).
ATTEMPT_DELAY = 0.25


def is_literal(host: str) -> bool:
    """The host is an address, without brackets, and no name: there is nothing to look up."""
    try:
        socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)
    except OSError:
        return False
    return True


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a name, in the system's order of preference (RFC 6724). Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(family, where) for family, _, _, _, where in found]


async def connect(addresses: Iterable[Address]) -> socket.socket:
    """The first connection that comes about; the others are given up. Raises the OSError of the last to fail."""
    won: list[socket.socket] = []
    failures: list[OSError] = []

    async def attempt(address: Address, failed: anyio.Event) -> None:
        try:
            sock = await _connected(address)
        except OSError as error:
            failures.append(error)
            failed.set()
        else:
            won.append(sock)
            tasks.cancel_scope.cancel()

    try:
        async with anyio.create_task_group() as tasks:
            for address in _alternating(addresses):
                failed = anyio.Event()
                tasks.start_soon(attempt, address, failed)
                with anyio.move_on_after(ATTEMPT_DELAY):
                    await failed.wait()
    except BaseException:
        _close(won)
        raise
    _close(won[1:])
    if not won:
        raise failures[-1]
    return won[0]


async def _connected(address: Address) -> socket.socket:
    family, where = address
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # named, so that asyncio sets TCP_NODELAY
    try:
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, where)
    except BaseException:
        sock.close()
        raise
    return sock


def _close(sockets: Iterable[socket.socket]) -> None:
    for sock in sockets:
        sock.close()


def _alternating(addresses: Iterable[Address]) -> Iterator[Address]:
    """One of each family in turn, beginning with that of the first (RFC 8305 4)."""
    families: dict[int, list[Address]] = {}
    for address in addresses:
        families.setdefault(address[0], []).append(address)
    rounds = zip_longest(*families.values())
    return (address for address in chain.from_iterable(rounds) if address is not None)
