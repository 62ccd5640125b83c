"""Rewrites Host and Origin for backends that want to be asked by their own name. Pure.

ComfyUI on a loopback address refuses pages whose Origin is another host than the one asked for: so Host names the
backend itself, and so does an Origin that named the host the client asked for. The Origin of any other page passes as
it is, and is refused there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.proxy.headers.same_site import is_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.proxy.headers.forwarded import Header


def named_by_address(headers: Iterable[Header], asked_for: bytes, address: str) -> list[Header]:
    """A request's headers for the backend at `address`; `asked_for`: the host that the client asked for."""
    host, own = asked_for.lower(), address.encode()

    def named(name: bytes, value: bytes) -> Header:
        if name == b"host":
            return name, own
        if name == b"origin" and is_of(host, value.lower()):
            return name, b"http://" + own
        return name, value

    return [named(name, value) for name, value in headers]
