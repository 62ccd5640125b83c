"""The command `gateway top`, which needs the extra `top`."""

from __future__ import annotations

import asyncio

MISSING = "gateway top needs textual, which is not installed; install it with: pip install 'one-at-a-time-gateway[top]'"


class NotInstalled(Exception):
    """`textual` is missing."""


def main(url: str, token: str | None, every: float) -> None:
    """Run the terminal view until it is closed. Raises NotInstalled, and ValueError for a URL that is not http(s)."""
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"expected a URL such as http://127.0.0.1:9090, found {url}")
    try:
        import textual  # noqa: F401  # an extra
    except ImportError:
        raise NotInstalled(MISSING) from None
    asyncio.run(_shown(url, token, every))


async def _shown(url: str, token: str | None, every: float) -> None:
    from gateway.top.app import Top
    from gateway.top.port import OperatorsPort

    async with OperatorsPort(url, token) as port:
        await Top(port, every=every).run_async()
