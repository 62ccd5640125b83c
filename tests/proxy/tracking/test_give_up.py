"""What is told to a backend whose client is gone. (When it is told: tests/proxy/test_endpoint.py.)"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from gateway.profiles.treatment import Interrupt
from gateway.proxy.tracking.give_up import interrupt
from tests.doubles.scripted_upstream import answering, hanging, refusing
from tests.doubles.virtual_time import virtual_time_of_asyncio
from tests.proxy.gatehouse import PROFILE

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


async def test_where_none_is_known_nothing_is_told(gate: Gatehouse) -> None:
    assert interrupt(gate.served, "gpu-1:1", gate.start).is_set()
    assert gate.upstream.asked == []


@pytest.mark.parametrize(("script", "warned"), [(answering(), 0), (refusing, 1), (hanging, 1)])
async def test_it_is_over_when_it_is_told_or_cannot_be(gate: Gatehouse, script: Any, warned: int) -> None:
    gate.served.profile = replace(PROFILE, interrupt=Interrupt("POST", "/stop"))
    gate.upstream.meets(script)
    with capture_logs() as events:
        over = interrupt(gate.served, "gpu-1:1", gate.start)
        assert not over.is_set()
        await over.wait()
    assert (gate.upstream.asked, [event["event"] for event in events]) == (["gpu-1:1"], ["interrupt_failed"] * warned)
