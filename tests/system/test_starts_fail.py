"""A command that dies as soon as it is started: whoever waits is told why, and the first start that works ends it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.system.callers import ask, callers, job
from tests.system.running_gateway import configuration, processes, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


def dies_unless(flag: Path) -> dict[str, Any]:
    """A pool whose pods need a file to be there."""
    script = (
        f'test -e {flag} || {{ echo "loading"; echo "RuntimeError: no CUDA device"; exit 3; }}; '
        "exec {python} -m gateway.demo.a1111 --port {port} --boot 0 --work 0.05"
    )
    return {"profile": "a1111", "backends": processes(flag.parent, "sh", "-c", script, max=1)}


async def test_after_three_dead_starts_everybody_is_told_why_until_one_works(tmp_path: Path) -> None:
    flag = tmp_path / "cuda"
    async with (
        running_gateway(tmp_path, configuration(dies_unless(flag))) as gateway,
        callers(gateway, 2) as clients,
    ):
        for number, client in enumerate(clients):
            await client.send(job(number))
        for client in clients:
            answer = await client.answer()
            assert (answer.status, answer.json()["reason"]) == (503, "starts_fail")
            assert "exit code 3: RuntimeError: no CUDA device" in answer.json()["detail"]
            assert int(answer.fields["retry-after"]) in (3, 4)  # the third back-off
        await gateway.event("process_start_failed")  # said once, for all three said the same
        assert (await gateway.snapshot())["start_failures"] == 3

        began = time.monotonic()
        answer = await ask(gateway, job("in the back-off"))
        assert (answer.status, answer.json()["reason"]) == (503, "starts_fail")
        assert time.monotonic() - began < 1  # at once: it did not wait for the next attempt
        flag.touch()
        # It was remembered: the next attempt is made for it, though it does not wait for it.
        await gateway.event("process_ready")
        answer = await ask(gateway, job("after"))
        assert answer.status == 200
        assert (await gateway.snapshot())["start_failures"] == 0
        assert await gateway.total("gateway_starts_failed_total") == 3
        assert await gateway.total("gateway_requests_total", outcome="refused", code="PQ") == 3


async def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    pool = {"backends": processes(tmp_path, "launch-nothing", "{port}")}
    async with running_gateway(tmp_path, configuration(pool)) as gateway:
        answer = await ask(gateway, job("only"))
        assert (answer.status, answer.json()["reason"]) == (503, "starts_fail")
        assert "launch-nothing: command not found" in answer.json()["detail"]
