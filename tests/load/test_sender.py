"""Plans carried out against a site on loopback."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import pytest

from gateway.load.plan import LoadPlan
from gateway.load.sender import run_load
from gateway.ops.plain_json import plain
from tests.doubles.scripted_site import Asked, answer, scripted_site
from tests.doubles.views import backend_view, pool_view

if TYPE_CHECKING:
    from gateway.load.progress import RunProgress

pytestmark = pytest.mark.anyio


@dataclass
class Watcher:
    """A display that keeps what it was shown."""

    shown: list[RunProgress] = field(default_factory=list)

    def __call__(self, progress: RunProgress) -> None:
        self.shown.append(progress)


async def test_workers_share_the_requests() -> None:
    here, most, all_busy = 0, 0, anyio.Event()

    async def respond(asked: Asked) -> bytes:
        nonlocal here, most
        here += 1
        most = max(most, here)
        if here == 3:
            all_busy.set()
        await all_busy.wait()
        here -= 1
        return answer(b"picture", "X-Backend: gpu-0")

    watcher = Watcher()
    async with scripted_site(respond) as url:
        result = await run_load(LoadPlan(url, requests=7, concurrency=3), watcher)
    assert [(one.status, one.size, one.pod) for one in result.ended] == [(200, 7, "gpu-0")] * 7
    assert most == 3
    assert result.is_good
    assert result.seconds >= max(one.seconds for one in result.ended)
    last = watcher.shown[-1]
    assert (last.asked, last.done, last.bad, last.under_way, last.over) == (7, 7, 0, 0, True)


async def test_a_request_is_sent_as_planned() -> None:
    seen: list[Asked] = []

    async def respond(asked: Asked) -> bytes:
        seen.append(asked)
        return answer()

    headers = (("Host", "sd.example.com"), ("user-agent", "mine"), ("X-Two", "1"), ("X-One", "grün"))
    async with scripted_site(respond) as url:
        plan = LoadPlan(f"{url}/a%2Fb?q=1", 1, 1, "POST", headers, body=b'{"prompt": "pretty dog"}')
        assert (await run_load(plan, Watcher())).is_good
    (asked,) = seen
    assert (asked.line, asked.body) == ("POST /a%2Fb?q=1 HTTP/1.1", b'{"prompt": "pretty dog"}')
    assert {name: asked.headers[name] for name in ("host", "user-agent", "x-two", "x-one")} == {
        "host": "sd.example.com",
        "user-agent": "mine",
        "x-two": "1",
        "x-one": "grün",
    }
    assert asked.headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("cookies", [True, False])
async def test_each_worker_keeps_its_cookies_if_the_plan_says_so(cookies: bool) -> None:
    brought: Counter[str] = Counter()
    both_here = anyio.Event()

    async def respond(asked: Asked) -> bytes:
        cookie = asked.headers.get("cookie", "none")
        brought[cookie] += 1
        new = f"Set-Cookie: sd={brought['none']}"
        if brought.total() == 2:
            both_here.set()
        await both_here.wait()
        return answer(b"", *([new] if cookie == "none" else []))

    async with scripted_site(respond) as url:
        await run_load(LoadPlan(url, requests=8, concurrency=2, cookies=cookies), Watcher())
    if cookies:
        assert brought["none"] == 2
        assert brought["sd=1"] + brought["sd=2"] == 6
    else:
        assert brought == {"none": 8}


async def test_what_fails_is_told_in_words() -> None:
    async def respond(asked: Asked) -> bytes | None:
        match asked.line.split()[1]:
            case "/silent":
                await anyio.sleep_forever()
            case "/short":
                return answer(b"whole", "Connection: close")[:-1]
        return None

    async with scripted_site(respond) as url:
        silent = await run_load(LoadPlan(f"{url}/silent", 1, 1, timeout=0.05), Watcher())
        short = await run_load(LoadPlan(f"{url}/short", 1, 1), Watcher())
        closed = await run_load(LoadPlan(f"{url}/closed", 1, 1, timeout=0), Watcher())
    refused = await run_load(LoadPlan(url, 2, 1), Watcher())
    assert [one.error for one in silent.ended] == ["no whole answer within 0.05 s"]
    assert short.ended[0].error.startswith("RemoteProtocolError: peer closed connection without sending complete")
    assert [one.error for one in closed.ended] == [
        "RemoteProtocolError: Server disconnected without sending a response."
    ]
    assert [one.error for one in refused.ended] == ["ConnectError: Connection refused"] * 2
    assert not silent.is_good


async def test_bad_answers_are_answers_and_errors_for_the_display() -> None:
    async def respond(asked: Asked) -> bytes:
        return answer(b"", status="500 Internal Server Error")

    watcher = Watcher()
    async with scripted_site(respond) as url:
        result = await run_load(LoadPlan(url, 2, 2), watcher)
    assert [one.status for one in result.answered] == [500, 500]
    assert (watcher.shown[-1].bad, result.is_good) == (2, False)


async def test_redirects_are_followed() -> None:
    async def respond(asked: Asked) -> bytes:
        found = asked.line.split()[1] == "/found"
        return answer(b"here") if found else answer(b"", "Location: /found", status="302 Found")

    async with scripted_site(respond) as url:
        result = await run_load(LoadPlan(url, 1, 1), Watcher())
    assert [(one.status, one.size) for one in result.ended] == [(200, 4)]


async def test_a_stop_gives_up_what_is_under_way_and_sends_no_more() -> None:
    stop, count = anyio.Event(), 0

    async def respond(asked: Asked) -> bytes:
        nonlocal count
        count += 1
        if count == 5:
            stop.set()
        if count > 3:
            await anyio.sleep_forever()
        return answer()

    async with scripted_site(respond) as url:
        result = await run_load(LoadPlan(url, requests=10, concurrency=2), Watcher(), stop)
    assert (len(result.ended), result.given_up, result.not_sent) == (3, 2, 5)
    assert result.interrupted


async def test_the_operators_port_tells_of_the_pods() -> None:
    served = 40  # before the run
    looks, looked_meanwhile = 0, anyio.Event()

    async def respond(asked: Asked) -> bytes:
        nonlocal served, looks
        if asked.line == "GET /api/snapshot HTTP/1.1":
            looks += 1
            if looks == 2:
                looked_meanwhile.set()
            return answer(json.dumps({"pools": [plain(pool_view(backends=(backend_view(served=served),)))]}).encode())
        await looked_meanwhile.wait()
        served += 1
        return answer()

    watcher = Watcher()
    async with scripted_site(respond) as url:
        result = await run_load(LoadPlan(url, 5, 1, ops=url), watcher)
    assert result.pods is not None
    assert result.pods.served == {"gpu-0": 5}
    pods = watcher.shown[-1].pods
    assert pods is not None
    assert (pods.ready, pods.waiting) == (1, 0)
