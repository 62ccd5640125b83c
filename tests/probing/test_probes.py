"""Single probes: TCP on real sockets, HTTP against scripted answers and once for real."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest
import respx

from gateway.probing.control_client import new_client
from gateway.probing.probes import (
    FallbackProbe,
    Finding,
    HttpProbe,
    IdleAnswer,
    Idleness,
    IdlenessProbe,
    ProbeResult,
    TcpProbe,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anyio.abc import SocketStream

pytestmark = pytest.mark.anyio
ADDRESS = "10.0.0.1:7860"
_ASKED = "GET /ready?x=1"


def says_yes(status: int, body: bytes) -> bool:
    """What these probes look for."""
    return status == 200 and body == b"yes"


@contextmanager
def listening(*, accepts: bool = True) -> Iterator[str]:
    """The address of a socket that is listened on, or only bound."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if accepts:
            server.listen()
        yield f"127.0.0.1:{server.getsockname()[1]}"


async def test_tcp_passes_where_somebody_listens() -> None:
    with listening() as address:
        assert (await TcpProbe()(address)).finding is Finding.PASS


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_tcp_is_refused_where_nobody_does(anyio_backend: str) -> None:
    with listening(accepts=False) as address:
        assert (await TcpProbe()(address)).finding is Finding.REFUSED


async def test_tcp_fails_when_there_is_no_such_host_or_no_time() -> None:
    with listening() as address:
        assert (await TcpProbe(timeout=0)(address)).finding is Finding.FAIL
    assert (await TcpProbe()("[::1%nowhere]:7860")).finding is Finding.FAIL


@pytest.mark.parametrize(
    ("answer", "finding", "evidence"),
    [
        (httpx.Response(200, text="yes"), Finding.PASS, ""),
        (httpx.Response(200, text=" not\x1b yet\nmore"), Finding.FAIL, f"{_ASKED}: 200 not  yet"),
        (httpx.Response(404, text="x" * 500), Finding.FAIL, f"{_ASKED}: 404 {'x' * 120}"),
        (httpx.Response(401), Finding.FAIL, f"{_ASKED}: 401; let probes in by probe.headers"),
        (httpx.Response(418), Finding.FAIL, f"{_ASKED}: 418; make coffee"),
        (httpx.Response(200, text="elsewhere"), Finding.FAIL, f"{_ASKED}: 200 elsewhere; ask another 200"),
        (httpx.Response(302, headers={"Location": "http://elsewhere/"}), Finding.FAIL, f"{_ASKED}: 302"),
        (httpx.ReadError("reset"), Finding.FAIL, f"{_ASKED}: reset"),
        (httpx.ReadError(""), Finding.FAIL, f"{_ASKED}: ReadError"),
        (httpx.ConnectError("no route"), Finding.FAIL, f"{_ASKED}: no route"),
        (
            httpx.RemoteProtocolError("illegal status line: SSH-2.0"),
            Finding.FAIL,
            f"{_ASKED}: no valid HTTP answer (illegal status line: SSH-2.0)",
        ),
    ],
)
async def test_http_passes_when_the_answer_is_liked_and_else_tells_what_came(
    answer: httpx.Response | httpx.HTTPError, finding: Finding, evidence: str
) -> None:
    async with new_client() as client:
        with respx.mock:
            respx.get(f"http://{ADDRESS}/ready?x=1").mock(side_effect=[answer])
            probe = HttpProbe(
                client,
                "/ready?x=1",
                says_yes,
                light=True,
                remedies={418: "make coffee"},
                hint=lambda status, body: f"ask another {status}" if body == b"elsewhere" else "",
            )
            assert await probe(ADDRESS) == ProbeResult(finding, evidence)


@pytest.mark.parametrize(
    ("answer", "idle"),
    [
        (httpx.Response(200, text="yes"), IdleAnswer(Idleness.IDLE)),
        (httpx.Response(200, text="no"), IdleAnswer(Idleness.BUSY)),
        (httpx.Response(500, text="yes"), IdleAnswer(Idleness.SILENT)),
        (httpx.ReadTimeout("too long"), IdleAnswer(Idleness.SILENT)),
        (httpx.ConnectError("no route"), IdleAnswer(Idleness.SILENT)),
        (httpx.Response(401), IdleAnswer(Idleness.CANNOT_BE_ASKED, "GET /progress: 401")),
        (
            httpx.Response(404, text='{"detail":"Not Found"}\nmore'),
            IdleAnswer(Idleness.CANNOT_BE_ASKED, 'GET /progress: 404 {"detail":"Not Found"}'),
        ),
    ],
)
async def test_only_an_answer_says_idle_or_busy(answer: httpx.Response | httpx.HTTPError, idle: IdleAnswer) -> None:
    async with new_client() as client:
        with respx.mock:
            respx.get(f"http://{ADDRESS}/progress").mock(side_effect=[answer])
            assert await IdlenessProbe(client, "/progress", says_yes)(ADDRESS) == idle


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_http_is_refused_where_nobody_listens(anyio_backend: str) -> None:
    async with new_client() as client:
        with listening(accepts=False) as address:
            assert await HttpProbe(client, "/", says_yes, light=True)(address) == ProbeResult(
                Finding.REFUSED, "GET /: connection refused, nobody listens on its port"
            )


async def test_http_fails_when_there_is_no_answer_in_time() -> None:
    async with new_client() as client:
        with listening() as address:
            assert await HttpProbe(client, "/", says_yes, light=True, timeout=0.05)(address) == ProbeResult(
                Finding.FAIL, "GET /: no answer within 0.05 s"
            )
            assert (await IdlenessProbe(client, "/", says_yes, timeout=0.05)(address)).found is Idleness.SILENT


async def test_a_probe_leaves_no_connection_and_carries_no_cookie() -> None:
    asked: list[bytes] = []

    async def answer(stream: SocketStream) -> None:
        async with stream:
            asked.append(await stream.receive())
            await stream.send(b"HTTP/1.1 200 OK\r\nSet-Cookie: sd=1\r\nContent-Length: 3\r\n\r\nyes")
            assert await stream.receive(1) == b"", "the probe's end of the connection"

    async def answer_until_closed(stream: SocketStream) -> None:
        with pytest.raises(anyio.EndOfStream):
            await answer(stream)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with new_client() as client, listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, answer_until_closed)
        probe = HttpProbe(client, "/", says_yes, light=True)
        assert [await probe(f"127.0.0.1:{port}") for _ in range(2)] == [ProbeResult(Finding.PASS)] * 2
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()
    assert [b"connection: close" in request.lower() for request in asked] == [True, True]
    assert not any(b"cookie" in request.lower() for request in asked)


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    async def go_on(stream: SocketStream) -> None:
        with pytest.raises((anyio.BrokenResourceError, anyio.EndOfStream)):
            async with stream:
                await stream.send(b"HTTP/1.1 200 OK\r\n\r\n")
                while True:
                    await stream.send(b"x" * 65536)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with new_client() as client, listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, go_on)
        probe = HttpProbe(client, "/", lambda status, body: body == b"x" * 65536, light=True, timeout=10)
        assert (await probe(f"127.0.0.1:{port}")).finding is Finding.PASS
        tasks.cancel_scope.cancel()


class StartingServer:
    """What it says at its three routes, as far as its start has come."""

    def __init__(self, client: httpx.AsyncClient, now: Callable[[], float]) -> None:
        def of(path: str, status: int) -> HttpProbe:
            return HttpProbe(client, path, lambda said, body: said == status, light=True)

        self.probe = FallbackProbe(
            of("/built", 200), of("/older", 200), of("/page", 404), of("/built", 404), after=10, clock=now
        )

    async def says(self, built: int, older: int, page: int) -> Finding:
        with respx.mock(assert_all_called=False) as site:
            for path, status in (("/built", built), ("/older", older), ("/page", page)):
                site.get(f"http://{ADDRESS}{path}").mock(return_value=httpx.Response(status))
            return (await self.probe(ADDRESS)).finding


async def test_a_missing_route_is_waited_for_and_then_another_one_counts() -> None:
    now = [0.0]
    async with new_client() as client:
        server = StartingServer(client, lambda: now[0])
        assert await server.says(404, 200, 200) is Finding.FAIL, "it may come yet"
        assert await server.says(200, 200, 200) is Finding.PASS
        now[0] = 5
        assert await server.says(404, 200, 200) is Finding.FAIL
        now[0] = 15
        assert await server.says(404, 404, 200) is Finding.FAIL
        assert await server.says(404, 200, 200) is Finding.PASS, "an older server, that has no such route"
        assert await server.says(500, 200, 200) is Finding.FAIL


async def test_a_route_that_will_never_be_there_is_not_waited_for() -> None:
    async with new_client() as client:
        assert await StartingServer(client, lambda: 0.0).says(404, 200, 404) is Finding.PASS
