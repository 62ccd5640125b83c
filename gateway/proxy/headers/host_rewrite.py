"""Rewrites Host and Origin for backends that want to be asked by their own name. Pure.

ComfyUI on a loopback address refuses pages whose Origin is another host than the one asked for: so Host names the
backend itself, and so does the Origin of a page that may come here. That of any other passes as it is, and is refused
there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.proxy.headers.same_site import may_come_from

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from gateway.proxy.headers.forwarded import Header, Origin


def named_by_address(
    headers: Iterable[Header], asked: Origin, allowed: Collection[bytes], address: str
) -> list[Header]:
    """A request's headers for the backend at `address`. `allowed`: origins besides that of the host asked for."""
    own = address.encode()

    def named(name: bytes, value: bytes) -> Header:
        if name == b"host":
            return name, own
        if name == b"origin" and may_come_from(value, asked, allowed):
            return name, b"http://" + own
        return name, value

    return [named(name, value) for name, value in headers]
