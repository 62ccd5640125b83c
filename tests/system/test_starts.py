"""The starts that AUTOMATIC1111 really makes, and pods that cannot be asked: nobody gets an error, no start is ended by
a probe."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.doubles.stand_in_process import stand_in_process
from tests.system.callers import ask, callers, job, outcomes
from tests.system.running_gateway import configuration, processes, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

_LOGIN = "Authorization: Basic bWU6c2VjcmV0"  # me:secret


def started(directory: Path, *options: str, **readiness: Any) -> dict[str, Any]:
    """A pool of slow starts, one at a time into each."""
    command = ("{python}", "-m", "gateway.demo.a1111", "--port", "{port}", "--work", "0.05", *options)
    return {"profile": "a1111", "backends": processes(directory, *command, max=3), "readiness": readiness}


@pytest.mark.parametrize(
    ("options", "readiness"),
    [
        (("--boot", "2", "--fragile", "0.6", "--unbuilt", "1"), {"settle": 1}),
        (("--boot", "1", "--fragile", "0", "--unbuilt", "1"), {"tcp": True}),  # the 500 itself, many times
        (("--boot", "1", "--fragile", "0", "--unbuilt", "0"), {"tcp": True}),  # the 404
        (("--boot", "2", "--fragile", "0", "--registering", "1.5", "--unbuilt", "0.3"), {"settle": 0}),
        (("--boot", "1", "--nowebui"), {"settle": 0.2}),
    ],
    ids=["fragile", "unbuilt", "unregistered", "progress alone", "nowebui"],
)
async def test_no_request_meets_a_start_that_is_not_over(
    tmp_path: Path, options: tuple[str, ...], readiness: dict[str, Any]
) -> None:
    config = configuration(started(tmp_path, *options, **readiness))
    async with running_gateway(tmp_path, config) as gateway, callers(gateway, 6) as clients:
        for number, client in enumerate(clients):
            await client.send(job(number))
        assert await outcomes(clients) == [200] * 6
        assert gateway.events("process_start_failed") == []


@pytest.mark.parametrize("readiness", [{}, {"http": "/internal/ping"}, {"tcp": True}], ids=["profile", "http", "tcp"])
async def test_a_pod_that_wants_a_login_from_the_api_is_used(tmp_path: Path, readiness: dict[str, Any]) -> None:
    """Its first-seen quarantine hinders no readiness probe, and is over when it says that it cannot be asked."""
    with stand_in_process("--boot", "0", "--work", "0", "--fragile", "0", "--api-auth", "me:secret") as pod:
        pod.until("Startup time")
        pool = {"profile": "a1111", "backends": {"static": [pod.url]}, "readiness": {"settle": 0.1, **readiness}}
        async with running_gateway(tmp_path, configuration(pool)) as gateway:
            with anyio.fail_after(15):
                assert (await ask(gateway, job("known", _LOGIN))).status == 200
            assert (await ask(gateway, job("unknown"))).status == 401
            event = await gateway.event("backend_cannot_be_asked")
            assert event["evidence"].startswith("GET /sdapi/v1/progress?skip_current_image=true: 401")
            assert "probe.headers" in event["do"]
            assert len(gateway.events("backend_cannot_be_asked")) == 1


async def test_a_pod_that_wants_a_login_can_be_asked_with_one(tmp_path: Path) -> None:
    with stand_in_process("--boot", "0", "--work", "0", "--fragile", "0", "--api-auth", "me:secret") as pod:
        pod.until("Startup time")
        name, _, value = _LOGIN.partition(": ")
        pool = {"profile": "a1111", "backends": {"static": [pod.url]}, "probe": {"headers": {name: value}}}
        async with running_gateway(tmp_path, configuration({**pool, "readiness": {"settle": 0.1}})) as gateway:
            await gateway.ready(1)
            assert (await ask(gateway, job("known", _LOGIN))).status == 200
            assert gateway.events("backend_cannot_be_asked") == []
