"""An extension of the web UI queues a job and answers at once (agent-scheduler): nobody else gets its pod meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.demo.a1111.functions import ENQUEUE
from tests.doubles.stand_in_process import stand_in_process
from tests.system.callers import TXT2IMG, ask, job
from tests.system.running_gateway import configuration, running_gateway
from tests.system.test_gradio_socket import Visitor

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio

QUEUE = b"/agent-scheduler/v1/queue/txt2img"


@pytest.mark.parametrize("how", ["api", "page"])
async def test_a_job_that_is_answered_at_once_has_its_pod_to_itself(tmp_path: Path, how: str) -> None:
    with stand_in_process("--boot", "0", "--work", "3", "--fragile", "0") as pod:
        pod.until("Startup time")
        pool = {"profile": "a1111", "backends": {"static": [pod.url]}, "readiness": {"settle": 0.1}}
        async with running_gateway(tmp_path, configuration(pool)) as gateway:
            await gateway.ready(1)
            if how == "api":
                queued = await ask(gateway, job("queued").replace(TXT2IMG.encode(), QUEUE))
                assert (queued.status, list(queued.json())) == (200, ["task_id"])
            else:
                assert (await Visitor(gateway, "").gets(ENQUEUE, "task(a)", "dog"))["output"]["data"] == []
            assert pod.stats()["served"] == 0
            assert (await ask(gateway, job("next"))).status == 200
            assert (pod.stats()["served"], pod.stats()["two_at_once"]) == (2, 0)
