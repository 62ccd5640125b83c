"""A stand-in is served while the block runs, and no longer."""

from __future__ import annotations

import signal

import anyio
import httpx
import pytest

from gateway.demo.knative.serving import served
from tests.doubles.container import Container

pytestmark = pytest.mark.anyio


async def test_it_serves_while_the_block_runs_and_leaves_signals_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    async with httpx.AsyncClient(trust_env=False) as client:
        async with served(Container()) as address:
            assert signal.getsignal(signal.SIGTERM) is before
            assert (await client.get(f"http://{address}/light")).text == "done"
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://{address}/light")
    with anyio.fail_after(5):
        async with served(Container(), int(address.rpartition(":")[2])) as again:
            assert again == address
