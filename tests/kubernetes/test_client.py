"""One question, one answer: against scripted answers, and once over TLS for real."""

from __future__ import annotations

import contextlib
import json
import ssl
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
import respx
import trustme
from anyio.streams.tls import TLSListener

from gateway.kubernetes.access import Access, verifying
from gateway.kubernetes.client import KubernetesClient, new_http
from gateway.kubernetes.collection import Collection, Resource
from gateway.kubernetes.errors import Dropped, Forbidden, Gone, NoAnswer, Refused

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from anyio.streams.tls import TLSStream

pytestmark = pytest.mark.anyio
SERVER = "https://10.96.0.1:443"
PODS = Collection(Resource("", "v1", "pods"), "default", labels="app=sd")
DEPLOYMENTS = Collection(Resource("apps", "v1", "deployments"), "default")
PODS_URL = f"{SERVER}/api/v1/namespaces/default/pods"
SCALE_URL = f"{SERVER}/apis/apps/v1/namespaces/default/deployments/sd/scale"


@pytest.fixture
def server() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router:
        yield router


@pytest.fixture
async def client() -> AsyncIterator[KubernetesClient]:
    tokens = iter(["one", "two", "three"])
    access = Access(SERVER, "default", verifying(), lambda: next(tokens))
    async with new_http(access) as http:
        yield KubernetesClient(access, http)


def pod(name: str, version: int = 1) -> dict[str, Any]:
    return {"metadata": {"name": name, "resourceVersion": str(version)}}


async def test_the_token_in_force_goes_with_each_question(server: respx.MockRouter, client: KubernetesClient) -> None:
    route = server.get(SCALE_URL).respond(json={"spec": {"replicas": 2}})
    for _ in range(2):
        assert await client.get(DEPLOYMENTS, "sd", "scale") == {"spec": {"replicas": 2}}
    assert [call.request.headers["Authorization"] for call in route.calls] == ["Bearer one", "Bearer two"]


async def test_a_patch_is_merged(server: respx.MockRouter, client: KubernetesClient) -> None:
    route = server.patch(SCALE_URL).respond(json={})
    await client.patch(DEPLOYMENTS, "sd", {"spec": {"replicas": 3}}, "scale")
    request = route.calls.last.request
    assert request.headers["Content-Type"] == "application/merge-patch+json"
    assert json.loads(request.content) == {"spec": {"replicas": 3}}


async def test_a_list_is_read_page_by_page(server: respx.MockRouter, client: KubernetesClient) -> None:
    first = {"metadata": {"resourceVersion": "9", "continue": "more"}, "items": [pod("a")]}
    last = {"metadata": {"resourceVersion": "9"}, "items": [pod("b")]}
    route = server.get(PODS_URL).mock(side_effect=[httpx.Response(200, json=each) for each in (first, last)])
    assert await client.list(PODS) == ([pod("a"), pod("b")], "9")
    asked = [dict(call.request.url.params) for call in route.calls]
    assert asked == [
        {"labelSelector": "app=sd", "limit": "500"},
        {"labelSelector": "app=sd", "limit": "500", "continue": "more"},
    ]


async def test_a_list_that_has_none(server: respx.MockRouter, client: KubernetesClient) -> None:
    server.get(PODS_URL).respond(json={"metadata": {"resourceVersion": "9"}, "items": None})
    assert await client.list(PODS) == ([], "9")


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", '{"metadata": {}}', '{"metadata": {"resourceVersion": "1"}, "items": [1]}']
)
async def test_a_list_that_is_none(server: respx.MockRouter, client: KubernetesClient, body: str) -> None:
    server.get(PODS_URL).respond(text=body)
    with pytest.raises(NoAnswer, match="malformed answer"):
        await client.list(PODS)


async def test_a_refusal_names_the_right(server: respx.MockRouter, client: KubernetesClient) -> None:
    server.get(PODS_URL).respond(403, json={"message": "pods is forbidden"})
    with pytest.raises(Forbidden) as caught:
        await client.list(PODS)
    assert caught.value.question.right == "list pods"
    assert str(caught.value) == "cannot list pods in namespace default: 403 pods is forbidden"


async def test_how_long_to_wait(server: respx.MockRouter, client: KubernetesClient) -> None:
    server.get(PODS_URL).respond(429, headers={"Retry-After": "3"})
    with pytest.raises(Refused) as caught:
        await client.list(PODS)
    assert caught.value.retry_after == 3


async def test_a_server_that_is_away(server: respx.MockRouter, client: KubernetesClient) -> None:
    server.get(PODS_URL).mock(side_effect=httpx.ConnectError(""))
    with pytest.raises(NoAnswer, match="cannot list pods in namespace default: ConnectError"):
        await client.list(PODS)


async def test_a_token_that_cannot_be_read() -> None:
    def unreadable() -> str:
        raise FileNotFoundError("no token")

    access = Access(SERVER, "default", None, unreadable)
    async with new_http(access) as http:
        with pytest.raises(NoAnswer, match="no token"):
            await KubernetesClient(access, http).list(PODS)


async def test_a_server_that_does_not_answer(server: respx.MockRouter) -> None:
    async def never(_: httpx.Request) -> httpx.Response:
        await anyio.sleep_forever()
        raise AssertionError

    server.get(PODS_URL).mock(side_effect=never)
    access = Access(SERVER, "default", None, lambda: None)
    async with new_http(access) as http:
        client = KubernetesClient(access, http, timeout=0.01)
        with pytest.raises(NoAnswer, match="no answer in time"):
            await client.list(PODS)
        with pytest.raises(NoAnswer, match="no answer in time"):
            async with client.watch(PODS, "9", 60):
                pass


class BrokenStream(httpx.AsyncByteStream):
    """Says this, and breaks off."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._said
        raise httpx.ReadError("reset")


async def test_a_watch_tells_what_happens_until_it_ends(server: respx.MockRouter, client: KubernetesClient) -> None:
    told = [{"type": "ADDED", "object": pod("a", 10)}, {"type": "DELETED", "object": pod("a", 11)}]
    route = server.get(PODS_URL).respond(content=b"\n".join(json.dumps(each).encode() for each in told))
    async with client.watch(PODS, "9", 60) as events:
        assert [(each.change.value, each.version) async for each in events] == [("ADDED", "10"), ("DELETED", "11")]
    assert dict(route.calls.last.request.url.params) == {
        "labelSelector": "app=sd",
        "watch": "1",
        "allowWatchBookmarks": "true",
        "resourceVersion": "9",
        "timeoutSeconds": "60",
    }


async def test_a_watch_that_breaks_off_in_the_middle_of_a_line(
    server: respx.MockRouter, client: KubernetesClient
) -> None:
    whole = json.dumps({"type": "ADDED", "object": pod("a", 10)}).encode() + b"\n"
    server.get(PODS_URL).mock(return_value=httpx.Response(200, stream=BrokenStream(whole + b'{"type": "ADD')))
    seen = []
    with pytest.raises(Dropped, match="reset"):
        async with client.watch(PODS, "9", 60) as events:
            async for event in events:
                seen.append(event.version)  # noqa: PERF401  (what came before the end counts)
    assert seen == ["10"]


async def test_a_watch_that_is_refused(server: respx.MockRouter, client: KubernetesClient) -> None:
    server.get(PODS_URL).respond(410, json={"message": "too old"})
    with pytest.raises(Gone, match="cannot watch pods in namespace default: 410 too old"):
        async with client.watch(PODS, "9", 60):
            pass


async def test_certificates_are_shown_and_asked_for() -> None:
    """The client trusts this CA, and shows its own certificate to a server that demands one."""
    ca = trustme.CA()
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ca.issue_cert("127.0.0.1").configure_cert(theirs)
    ca.configure_trust(theirs)
    theirs.verify_mode = ssl.CERT_REQUIRED
    ours = verifying(ca_data=ca.cert_pem.bytes().decode())
    ca.issue_cert("alice@example.com").configure_cert(ours)
    async with https_server(theirs) as url:
        assert await ask(url, ours) == {"spec": {}}
        with pytest.raises(NoAnswer, match="certificate verify failed"):
            await ask(url, verifying(ca_data=trustme.CA().cert_pem.bytes().decode()))


async def ask(url: str, tls: ssl.SSLContext) -> dict[str, Any]:
    access = Access(url, "default", tls, lambda: None)
    async with new_http(access) as http:
        return await KubernetesClient(access, http).get(DEPLOYMENTS, "sd")


@contextlib.asynccontextmanager
async def https_server(tls: ssl.SSLContext) -> AsyncIterator[str]:
    """Answers every request alike."""

    async def answer(stream: TLSStream) -> None:
        async with stream:
            await stream.receive()
            await stream.send(b'HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{"spec": {}}')

    plain = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with plain, anyio.create_task_group() as tasks:
        port = plain.extra(anyio.abc.SocketAttribute.local_port)
        tasks.start_soon(TLSListener(plain, tls, standard_compatible=False).serve, answer)
        yield f"https://127.0.0.1:{port}"
        tasks.cancel_scope.cancel()
