"""A pod of the configuration that is there and never becomes ready: the log, the snapshot and the client's 503 say what
its probe found."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.system.callers import ask
from tests.system.running_gateway import configuration, running_gateway

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

_POLL = b"GET /sdapi/v1/progress HTTP/1.1\r\nHost: sd\r\n\r\n"
_NO_API = b'HTTP/1.1 404 Not Found\r\nContent-Length: 22\r\nConnection: close\r\n\r\n{"detail":"Not Found"}'
_LOGIN = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@asynccontextmanager
async def saying(answer: bytes | None) -> AsyncIterator[str]:
    """The URL of a server that says this to whoever connects. None: nothing."""

    async def answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
            await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answered, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("answer", "evidence"),
    [
        (_NO_API, 'GET /sdapi/v1/progress?skip_current_image=true: 404 {"detail":"Not Found"}; start it with --api'),
        (_LOGIN, "GET /internal/profile-startup: 401; let probes in by probe.headers"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", "GET /internal/profile-startup: no valid HTTP answer"),
        (None, "GET /internal/profile-startup: no answer within 0.2 s"),
    ],
    ids=["404", "401", "ssh", "silent"],
)
async def test_what_its_probe_finds_is_said_everywhere(tmp_path: Path, answer: bytes | None, evidence: str) -> None:
    async with saying(answer) as url:
        readiness = {"period": 0.1, "settle": 0, "timeout": 0.2}
        pool = {"profile": "a1111", "backends": {"static": [url]}, "readiness": readiness}
        async with running_gateway(tmp_path, configuration(pool)) as gateway:
            event = await gateway.event("backend_not_ready")
            (backend,) = (await gateway.snapshot())["backends"]
            refused = await ask(gateway, _POLL)

            assert event["evidence"].startswith(evidence)
            assert (backend["state"], backend["unready_because"]) == ("starting", event["evidence"])
            assert refused.status == 503
            assert "No backend passes its readiness probe." in refused.json()["detail"]
            assert event["evidence"] in refused.json()["detail"]
            assert len(gateway.events("backend_not_ready")) == 1


async def test_where_nobody_listens_that_is_said(tmp_path: Path) -> None:
    async with saying(None) as url:
        pass
    async with running_gateway(tmp_path, configuration({"backends": {"static": [url]}})) as gateway:
        event = await gateway.event("backend_not_ready")
        assert event["evidence"] == "connect: connection refused, nobody listens on its port"
