"""The pairs of `Cookie` headers: read the ones of a name, or take them out and leave the rest byte for byte.

Pairs are cut at `;` alone, as RFC 6265 and most frameworks do: quotes have no meaning. Nothing here is decoded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


def values_of(name: bytes, headers: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Values of every cookie called `name`, in the order sent. Header names are lower-case."""
    for header, value in headers:
        if header == b"cookie" and name in value:
            for pair in value.split(b";"):
                key, _, content = pair.partition(b"=")
                if key.strip() == name:
                    yield content.strip()


def without(name: bytes, value: bytes) -> bytes:
    """A `Cookie` header's value without the cookies called `name`; empty if nothing else was in it.

    A pair without `=` counts as a name: to some servers it is one.
    """
    if name not in value:
        return value
    pairs = value.split(b";")
    kept = [pair for pair in pairs if pair.partition(b"=")[0].strip() != name]
    if len(kept) == len(pairs):
        return value
    return b";".join(kept).strip() if any(pair.strip() for pair in kept) else b""
