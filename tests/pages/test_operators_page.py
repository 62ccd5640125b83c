"""The operators' page in a browser (Debian: `chromium`): what it shows is what the gateway knows."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import anyio
import pytest

from tests.system.running_gateway import configuration, running_gateway, stand_ins

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


async def page(url: str, profile: Path) -> str:
    """The document as it stands when the page has asked once. The browser's own clock runs ahead, but not past answers
    that it waits for."""
    command = (
        *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server", f"--user-data-dir={profile}"),
        *("--virtual-time-budget=1000", "--dump-dom", url),
    )
    with anyio.fail_after(40):
        dumped = await anyio.run_process(command, stderr=subprocess.DEVNULL)
    return dumped.stdout.decode()


async def test_it_shows_each_pool_with_its_figures(tmp_path: Path) -> None:
    one_pod = {"profile": "a1111", "backends": stand_ins(tmp_path), "autoscaling": {"min_scale": 1}}
    async with running_gateway(tmp_path, configuration(one_pod)) as gateway:
        await gateway.ready(1)
        document = await page(gateway.ops, tmp_path / "browser")

    columns, figures = (re.findall(f"<{cell}>([^<]*)", document) for cell in ("th", "td"))
    assert dict(zip(columns, figures, strict=True)) == {
        "Pool": "sd",
        "In flight": "0",
        "Waiting": "0",
        "Quarantined": "0",
        "Demand": "0",
        "Desired": "1",
        "Sessions": "0",
        "Backends": "1 ready",
    }
    assert '<p id="state" role="status"></p>' in document  # nothing went wrong
