from __future__ import annotations

import httpx
import pytest

from gateway.demo.kube_api.api import KubeApi
from gateway.demo.kube_api.serving import serving


@pytest.mark.anyio
async def test_it_can_be_away_and_come_back_where_it_was() -> None:
    async with serving(KubeApi()) as served, httpx.AsyncClient(trust_env=False) as client:
        url = f"{served.url}/api/v1/pods"
        assert (await client.get(url)).status_code == 200
        await served.stop()
        with pytest.raises(httpx.ConnectError):
            await client.get(url)
        await served.start()
        assert (await client.get(url)).status_code == 200
