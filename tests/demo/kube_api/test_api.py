"""The stand-in over HTTP. How its watches behave, our own client's tests show (tests/kubernetes/test_reflector.py)."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from gateway.demo.kube_api.api import Asked, KubeApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
SD: dict[str, Any] = {"apiVersion": "apps/v1", "metadata": {"name": "sd"}, "spec": {"replicas": 2}}


@contextlib.asynccontextmanager
async def asking(api: KubeApi) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api.application()), base_url="http://api") as client:
        yield client


async def test_an_object_s_life() -> None:
    api = KubeApi()
    async with asking(api) as client:
        assert (await client.get(f"{DEPLOYMENTS}/sd")).status_code == 404
        await client.put(f"{DEPLOYMENTS}/sd", json=SD)
        await client.patch(f"{DEPLOYMENTS}/sd", json={"metadata": {"labels": {"a": "b"}}})
        found = (await client.get(f"{DEPLOYMENTS}/sd")).json()
        assert (found["spec"], found["metadata"]["labels"]) == ({"replicas": 2}, {"a": "b"})
        clash = await client.patch(f"{DEPLOYMENTS}/sd", json={"metadata": {"resourceVersion": "1"}})
        assert (clash.status_code, clash.json()["reason"]) == (409, "Conflict")
        await client.delete(f"{DEPLOYMENTS}/sd")
        assert (await client.delete(f"{DEPLOYMENTS}/sd")).json()["code"] == 404


async def test_scale_is_a_view() -> None:
    api = KubeApi()
    api.store.put("deployments", {**SD, "status": {"replicas": 1}})
    async with asking(api) as client:
        scale = (await client.get(f"{DEPLOYMENTS}/sd/scale")).json()
        assert (scale["spec"], scale["status"]) == ({"replicas": 2}, {"replicas": 1})
        await client.patch(f"{DEPLOYMENTS}/sd/scale", json={"spec": {"replicas": 5}})
        assert (await client.get(f"{DEPLOYMENTS}/sd")).json()["spec"] == {"replicas": 5}
        assert (await client.get(f"{DEPLOYMENTS}/no/scale")).status_code == 404
        assert (await client.get(f"{DEPLOYMENTS}/sd/status")).status_code == 404


async def test_lists_of_one_namespace_and_of_all() -> None:
    api = KubeApi()
    for namespace in ("default", "other"):
        api.store.put("pods", {"apiVersion": "v1", "metadata": {"name": "a"}}, namespace=namespace)
    async with asking(api) as client:
        assert len((await client.get("/api/v1/pods")).json()["items"]) == 2
        assert len((await client.get("/api/v1/namespaces/other/pods")).json()["items"]) == 1
        assert (await client.get("/api/v1/pods?labelSelector=a")).status_code == 400


async def test_a_list_in_pages_ends_with_its_history() -> None:
    api = KubeApi()
    for name in "abc":
        api.store.put("pods", {"apiVersion": "v1", "metadata": {"name": name}})
    async with asking(api) as client:
        first = (await client.get("/api/v1/pods?limit=2")).json()
        more = {"limit": "2", "continue": first["metadata"]["continue"]}
        last = (await client.get("/api/v1/pods", params=more)).json()
        assert [len(page["items"]) for page in (first, last)] == [2, 1]
        assert "continue" not in last["metadata"]
        api.store.put("pods", {"apiVersion": "v1", "metadata": {"name": "d"}})
        api.store.forget_history()
        assert (await client.get("/api/v1/pods", params=more)).json()["reason"] == "Expired"


async def test_refusals_and_tokens() -> None:
    api = KubeApi()
    api.faults.refuse("list", "pods", 429, retry_after=2)
    async with asking(api) as client:
        refused = await client.get("/api/v1/pods")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
        api.faults.allow("list", "pods")
        api.faults.tokens = {"secret"}
        assert (await client.get("/api/v1/pods")).status_code == 401
        granted = await client.get("/api/v1/pods", headers={"Authorization": "Bearer secret"})
        assert (granted.status_code, granted.headers["X-Stand-In"]) == (200, "kube-api")
    assert api.asked[-1] == Asked("list", "pods", "", {}, "secret")
    assert api.count("list", "pods") == 3
