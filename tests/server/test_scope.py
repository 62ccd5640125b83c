"""What the application is told of a request."""

from __future__ import annotations

import pytest

from tests.server.small_apps import Recorder
from tests.server.traffic_port import traffic_port

pytestmark = pytest.mark.anyio


async def test_the_scope_is_plain_asgi_and_keeps_the_clients_bytes() -> None:
    app = Recorder()
    async with traffic_port(app) as port:
        client = await port.dial()
        await client.ask(b"GET /a%2Fb/%C3%A9?x=%20 HTTP/1.1\r\nHost: x\r\nAccept: a\r\nACCEPT: b\r\n\r\n")
        (scope,) = app.scopes
        assert scope["type"] == "http"
        assert scope["http_version"] == "1.1"
        assert scope["method"] == "GET"
        assert scope["scheme"] == "http"
        assert scope["path"] == "/a/b/é"
        assert scope["raw_path"] == b"/a%2Fb/%C3%A9"
        assert scope["query_string"] == b"x=%20"
        assert scope["root_path"] == ""
        assert scope["headers"] == [(b"host", b"x"), (b"accept", b"a"), (b"accept", b"b")]
        assert scope["server"] == port.listener.addresses[0]
        assert scope["client"][0] == "127.0.0.1"
        assert scope["extensions"]["gateway.client"].target == b"/a%2Fb/%C3%A9?x=%20"


async def test_an_absolute_target_is_kept_and_its_path_is_the_urls() -> None:
    app = Recorder()
    async with traffic_port(app) as port:
        client = await port.dial()
        await client.ask(b"GET http://X/a?b HTTP/1.1\r\nHost: x\r\n\r\n")
        (scope,) = app.scopes
        assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/a", b"/a", b"b")
        assert scope["extensions"]["gateway.client"].target == b"http://X/a?b"


async def test_http_1_0_is_told() -> None:
    app = Recorder()
    async with traffic_port(app) as port:
        client = await port.dial()
        await client.ask(b"GET / HTTP/1.0\r\n\r\n")
        assert app.scopes[0]["http_version"] == "1.0"
