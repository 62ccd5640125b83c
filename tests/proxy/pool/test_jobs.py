"""Jobs are found by their names and by whose they are, for as long as they are here. Time is virtual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.profiles.registry import profile
from gateway.proxy.context import RequestContext
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


async def test_they_come_and_go_with_their_requests(gate: Gatehouse) -> None:
    gate.served.profile = profile("a1111")
    jobs = gate.served.jobs
    first = await gate.visit("POST /sdapi/v1/txt2img", gate.cookie("ann"), body=b'{"force_task_id": "t"}')
    second = await gate.visit("POST /sdapi/v1/txt2img", gate.cookie("ann"), body=b'{"force_task_id": "t"}')
    assert [job.request.client for job in jobs.named("t") if isinstance(job.request, RequestContext)] == [first, second]
    one, two = jobs.of("ann")
    assert (one.runs_on is not None, one.is_waiting, two.runs_on, two.is_waiting) == (True, False, None, True)
    jobs.name(one, "p")
    jobs.name(one, "p")
    assert (jobs.was_on("t"), jobs.place_of("t")) == (None, "gpu-1")
    assert (one.names, jobs.named("p"), len(jobs)) == (["t", "p"], [one], 2)
    second.leaves()
    await gate.settled()
    assert jobs.was_on("t") == ""
    gate.pod.answers()
    await gate.settled()
    assert (jobs.named("t"), jobs.named("p"), jobs.of("ann"), jobs.of(None), len(jobs)) == ([], [], [], [], 0)
    assert [jobs.was_on(name) for name in ("t", "p", "q")] == ["gpu-1", "gpu-1", None]
    assert [jobs.place_of(name) for name in ("t", "q")] == ["gpu-1", None]


async def test_what_nobody_could_ask_about_is_not_kept(gate: Gatehouse) -> None:
    await gate.visit("POST /paint", body=b"x")
    assert len(gate.served.jobs) == 0
    gate.pod.answers()
