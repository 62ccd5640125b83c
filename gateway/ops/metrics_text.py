"""A scrape, encoded family by family, so that the event loop can serve requests in between: with a thousand
pods the whole takes too long for one step. `prometheus_client` makes the formats.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio.lowlevel
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from prometheus_client import CollectorRegistry
    from prometheus_client.metrics_core import Metric

#: The end marker of OpenMetrics; the older text format has none.
_END = b"# EOF\n"


class _One(Collector):
    """A registry of one family, for the encoder."""

    def __init__(self, family: Metric) -> None:
        self._family = family

    def collect(self) -> Iterator[Metric]:
        """The one family."""
        yield self._family


def scrape(registry: CollectorRegistry, accept: str) -> tuple[str, AsyncIterator[bytes]]:
    """The content type for this `Accept`, and the text. Yields to the event loop between two families."""
    encode, content_type = choose_encoder(accept)
    return content_type, _families(registry, encode)


async def _families(registry: CollectorRegistry, encode: Callable[[Collector], bytes]) -> AsyncIterator[bytes]:
    has_end = False
    for family in registry.collect():
        text = encode(_One(family))
        has_end = text.endswith(_END)
        yield text.removesuffix(_END)
        await anyio.lowlevel.checkpoint()
    if has_end:
        yield _END
