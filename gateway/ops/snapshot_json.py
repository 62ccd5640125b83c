"""The snapshot as JSON, encoded piece by piece, so that the event loop can serve requests in between. All
pieces are of one moment: views do not change.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anyio.lowlevel

from gateway.ops.plain_json import plain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

    from gateway.core.views.snapshot import PoolView

#: Backends that are encoded in one step: about a millisecond.
BACKENDS = 50


async def in_pieces(views: Iterable[PoolView], beside: Mapping[str, Mapping[str, object]]) -> AsyncIterator[bytes]:
    """`{"pools": [...]}`. `beside`: further members of each pool. Yields to the event loop between two pieces."""
    yield b'{"pools":['
    for number, view in enumerate(views):
        yield b"," if number else b""
        for piece in _pool(view, beside[view.name]):
            yield piece
            await anyio.lowlevel.checkpoint()
    yield b"]}"


def _pool(view: PoolView, beside: Mapping[str, object]) -> Iterator[bytes]:
    """One pool, its backends last, as they are many."""
    members = {**view._asdict(), **beside}
    backends = members.pop("backends")
    yield _encoded(members)[:-1] + b',"backends":['
    for start in range(0, len(backends), BACKENDS):
        yield (b"," if start else b"") + _encoded(backends[start : start + BACKENDS])[1:-1]
    yield b"]}"


def _encoded(value: Any) -> bytes:
    return json.dumps(plain(value), separators=(",", ":"), allow_nan=False).encode()
