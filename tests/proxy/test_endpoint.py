"""The path of a request, from its head to its record, whatever happens on the way."""

from __future__ import annotations

import gc
import json
import random
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.core.backends.health import WATCHED_FOR
from gateway.core.mounts import Mounts
from gateway.core.pool import Pool
from gateway.core.records.decisions import Ending, Outcome
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import Listed
from gateway.profiles.a1111 import a1111
from gateway.profiles.mounted import mounted
from gateway.proxy.answers.waiting_page import WaitingPage
from gateway.proxy.context import RequestContext
from gateway.proxy.pool.rules import OnClientGone, PodHeaders
from gateway.proxy.traffic_split import Revisions, TrafficSplit
from gateway.runtime.driver import Driver
from tests.doubles.eventually import eventually
from tests.doubles.scripted_upstream import (
    ScriptedExchange,
    after,
    answering,
    breaking_off,
    crashing,
    hanging,
    refusing,
    talking_nonsense,
)
from tests.doubles.virtual_time import virtual_time_of_asyncio
from tests.proxy.gatehouse import PROFILE, PROXY, reason

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from anyio.abc import TaskGroup

    from tests.doubles.visiting_client import VisitingClient
    from tests.proxy.gatehouse import Gatehouse

    Story = Callable[[Gatehouse], Awaitable[object]]

pytestmark = pytest.mark.anyio

CHUNKED = ("transfer-encoding", "chunked")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


# Where a request goes


async def test_the_health_path_touches_nothing(gate: Gatehouse) -> None:
    client = await gate.visit("GET /.gateway/healthz", host="elsewhere")
    assert (client.status, client.body, client.has_all, gate.records) == (200, b"ok\n", True, [])
    gate.clients.clear()


@pytest.mark.parametrize("request_line", ["HEAD /.gateway/healthz", "GET /.gateway/healthz/"])
async def test_balancers_are_told_of_the_stop_at_once(gate: Gatehouse, request_line: str) -> None:
    assert (await gate.visit(request_line)).status == 200
    gate.endpoint.stopping = True
    assert (await gate.visit(request_line)).status == 503
    gate.clients.clear()


async def test_a_proxy_that_is_not_trusted_is_told_of_once(gate: Gatehouse) -> None:
    told = ("x-forwarded-for", "203.0.113.9")
    with capture_logs() as log:
        for peer in (PROXY, "192.0.2.1", "192.0.2.2"):
            gate.upstream.meets(answering(b"page"))
            await gate.visit("GET /page", told, peer=peer)
    [line] = log
    assert (line["event"], line["peer"]) == ("proxy_not_trusted", "192.0.2.1")
    assert "trusted_proxies" in line["do"]


async def test_headers_that_are_dropped_are_told_of(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"page"))
    with capture_logs() as log:
        await gate.visit("GET /page", ("x-real-ip", "203.0.113.9"), ("k_kubelet_probe", "1"), ("accept", "*/*"))
    [line] = log
    assert (line["event"], line["names"], line["peer"]) == (
        "headers_dropped",
        "x-real-ip, k_kubelet_probe",
        "192.0.2.1",
    )
    assert "trusted_proxies" in line["do"]


async def test_knatives_probes_touch_nothing_where_a_pool_is_knatives(gate: Gatehouse) -> None:
    gate.endpoint.answers_probes = True
    probe = (("k-network-probe", "probe"), ("k-network-hash", "0a"))
    client = await gate.visit("GET /healthz", *probe, host="elsewhere")
    assert (client.status, client.body, client.header("k-network-hash")) == (200, b"", "0a")
    assert (client.has_all, gate.records) == (True, [])
    gate.clients.clear()


async def test_elsewhere_they_are_requests(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"page"))
    client = await gate.visit("GET /page", ("k-network-probe", "activator"), ("user-agent", "kube-probe/1.30"))
    assert (client.body, gate.pod.header("k-network-probe")) == (b"page", None)


# Several pools behind one name


def split_off(gate: Gatehouse) -> TrafficSplit:
    """In the pool's place stands what chooses a revision, and knows none yet."""
    driver = Driver(Pool("sd", gate.driver.pool.policy, anyio.current_time()), anyio.current_time)
    split = TrafficSplit(replace(gate.served, driver=driver))
    gate.endpoint.pools = {"sd": split}
    return split


def let_out(split: TrafficSplit) -> None:
    driver = split.anteroom.driver
    driver.replace_backends([Listed("any", "", "any", limit=0, ready=True)])
    driver.replace_backends([])


async def test_until_a_revision_is_known_requests_wait_in_order_and_bring_no_body(gate: Gatehouse) -> None:
    gate.ready("gpu-1")
    split = split_off(gate)
    first = await gate.visit("POST /1", announced=3)
    second = await gate.visit("POST /2", body=b"dog")
    leaving = await gate.visit("POST /3", body=b"dog")
    leaving.leaves()
    await gate.settled()
    assert split.anteroom.driver.pool.waiting_exempt == 2
    assert (first.status, second.status, gate.held, gate.upstream.exchanges) == (None, None, 0, [])

    gate.upstream.meets(answering(), answering())
    split.replace(Revisions({"a": replace(gate.served, name="sd/a")}, {"a": 100}))
    let_out(split)
    await gate.settled()
    first.says(b"cat")
    await gate.settled()
    assert (first.status, second.status) == (200, 200)
    assert [record.pool for record in gate.records] == ["sd", "sd/a", "sd/a"]
    assert split.anteroom.driver.snapshot().backends == ()


async def test_what_is_denied_or_only_asks_does_not_wait_for_a_revision(gate: Gatehouse) -> None:
    split_off(gate)
    denied, asking = await gate.visit("GET /secret"), await gate.visit("GET /progress")
    assert (denied.status, reason(asking)) == (403, (503, "no_backend"))


async def test_a_newcomer_keeps_the_session_by_which_a_revision_was_chosen(gate: Gatehouse) -> None:
    gate.ready("gpu-1")
    split = split_off(gate)
    split.replace(Revisions({"a": gate.served, "b": gate.served}, {"a": 50, "b": 50}))
    gate.upstream.meets(answering())
    client = await gate.visit("GET /page")
    assert (client.header("set-cookie") or "").startswith("sd=session-1.")


async def test_a_pool_tells_its_pods_in_headers_who_reports_a_request(gate: Gatehouse) -> None:
    headers = PodHeaders(counted=((b"k-proxy-request", b"activator"),), uncounted=((b"k-kubelet-probe", b"x"),))
    gate.rules(pod_headers=headers)
    gate.upstream.meets(answering(), answering())
    await gate.visit("GET /paint", ("k-kubelet-probe", "mine"), ("k-proxy-request", "mine"))
    assert (gate.pod.header("k-proxy-request"), gate.pod.header("k-kubelet-probe")) == (b"activator", None)
    await gate.visit("GET /page", ("k-proxy-request", "mine"))
    assert (gate.pod.header("k-proxy-request"), gate.pod.header("k-kubelet-probe")) == (None, b"x")


async def test_a_host_that_nobody_serves(gate: Gatehouse) -> None:
    client = await gate.visit("GET /paint", host="other.example")
    assert reason(client) == (404, "no_route")
    assert (gate.record.pool, gate.record.host, gate.record.lane) == (None, "other.example", None)
    assert (gate.record.detail, gate.record.granted_at) == ("no_route", None)


async def test_what_the_rules_deny(gate: Gatehouse) -> None:
    client = await gate.visit("GET /x/..;/secret")
    assert reason(client) == (403, "denied")
    assert (gate.record.lane, gate.upstream.asked) == (Lane.DENIED, [])


async def test_the_pod_gets_what_was_asked_and_by_whom(gate: Gatehouse) -> None:
    gate.upstream.meets(answering())
    await gate.visit("POST /paint?a=b", ("accept", "image/png"), ("connection", "x-hop"), ("x-hop", "1"), body=b"dog")
    pod = gate.pod
    assert (pod.address, pod.request.method, pod.request.target) == ("gpu-1:1", b"POST", b"/paint?a=b")
    assert (pod.received, pod.request.length, pod.request.reusable) == (b"dog", 3, False)
    assert (pod.header("host"), pod.header("accept"), pod.header("x-hop")) == (b"sd.example", b"image/png", None)
    assert pod.header("x-forwarded-for") == b"192.0.2.1"


EVIL, OWN = ("origin", "https://evil.example"), ("origin", "https://sd.example:8443")


@pytest.mark.parametrize("headers", [[EVIL], [("origin", "null")], [OWN, EVIL]])
@pytest.mark.parametrize("request_line", ["POST /paint", "POST /page/interrupt", "DELETE /progress"])
async def test_a_cookie_that_crosses_sites_is_of_no_use_to_pages_of_others(
    gate: Gatehouse, request_line: str, headers: list[tuple[str, str]]
) -> None:
    gate.rules(cookie_crosses_sites=True)
    assert reason(await gate.visit(request_line, *headers)) == (403, "foreign_origin")
    assert gate.upstream.asked == []


@pytest.mark.parametrize(
    ("request_line", "headers"),
    [
        ("POST /page", [OWN]),
        ("POST /page", [("origin", "https://ui.example")]),
        ("POST /page", []),
        ("GET /page", [EVIL]),
        ("OPTIONS /page", [EVIL]),
    ],
)
async def test_it_is_of_use_to_own_pages_listed_ones_and_programs(
    gate: Gatehouse, request_line: str, headers: list[tuple[str, str]]
) -> None:
    gate.rules(cookie_crosses_sites=True)
    gate.upstream.meets(answering())
    assert (await gate.visit(request_line, *headers)).status == 200


async def test_one_that_stays_on_its_site_is_the_browsers_matter(gate: Gatehouse) -> None:
    gate.upstream.meets(answering())
    assert (await gate.visit("POST /page", EVIL)).status == 200


def mount(gate: Gatehouse, mounts: Mounts) -> None:
    gate.rules(mounts=mounts)
    gate.served.profile = mounted(PROFILE, mounts)


async def test_rules_apply_below_the_prefix_that_the_pod_gets(gate: Gatehouse) -> None:
    mount(gate, Mounts((), ("/sd",)))
    assert reason(await gate.visit("POST /sd/secret")) == (403, "denied")
    gate.upstream.meets(answering(b"50 %"))
    assert (await gate.visit("GET /sd/progress?a=b", ("x-forwarded-prefix", "/x"))).body == b"50 %"
    assert (gate.record.lane, gate.pod.request.target) == (Lane.PASSIVE, b"/sd/progress?a=b")
    assert gate.pod.header("x-forwarded-prefix") is None


async def test_a_prefix_is_taken_off_and_told(gate: Gatehouse) -> None:
    mount(gate, Mounts(("/sd",)))
    gate.upstream.meets(answering(), answering(), answering())
    await gate.visit("GET /s%64/progress?a=b", ("x-forwarded-prefix", "/x"))
    assert (gate.record.lane, gate.record.target) == (Lane.PASSIVE, b"/s%64/progress?a=b")
    assert (gate.pod.request.target, gate.pod.header("x-forwarded-prefix")) == (b"/progress?a=b", b"/sd")
    await gate.visit("GET /sd/page", ("x-forwarded-prefix", "/outer/"), peer=PROXY)
    assert gate.upstream.exchanges[-1].header("x-forwarded-prefix") == b"/outer/sd"
    await gate.visit("GET http://sd.example/sd")
    assert gate.upstream.exchanges[-1].request.target == b"/"


async def test_one_without_an_address_is_unknown(gate: Gatehouse) -> None:
    await gate.visit("GET /secret", peer="")
    assert gate.record.client == "unknown"


# Lanes


async def test_exempt_and_passive_requests_take_no_slot(gate: Gatehouse) -> None:
    work = await gate.visit("GET /paint")
    gate.upstream.meets(answering(b"page"), answering(b"50 %"))
    page, progress = await gate.visit("GET /page"), await gate.visit("GET /progress")
    assert (page.body, progress.body, gate.slot()) == (b"page", b"50 %", "working")
    assert [record.lane for record in gate.records] == [Lane.EXEMPT, Lane.PASSIVE]
    work.leaves()
    gate.upstream.exchanges[0].answers()


async def test_a_passive_request_wakes_nothing(gate: Gatehouse) -> None:
    gate.ready()
    client = await gate.visit("GET /progress")
    assert reason(client) == (503, "no_backend")
    assert (client.header("retry-after"), gate.driver.pool.demand) == ("10", 0)


@pytest.mark.parametrize("request_line", ["POST /paint", "GET /page"])
async def test_while_nothing_is_ready_requests_are_held(gate: Gatehouse, request_line: str) -> None:
    gate.ready()
    client = await gate.visit(request_line)
    await gate.passes(100)
    assert gate.driver.pool.demand == 1
    gate.upstream.meets(answering(b"dog"))
    gate.ready("gpu-1")
    await gate.settled()
    assert client.body == b"dog"
    assert gate.record.waited == pytest.approx(100)


async def test_only_uncounted_bodiless_requests_ride_on_used_connections(gate: Gatehouse) -> None:
    gate.upstream.meets(*[answering()] * 4)
    await gate.visit("GET /page")
    await gate.visit("POST /page")
    await gate.visit("PUT /page", body=b"dog")
    await gate.visit("GET /paint")
    assert [exchange.request.reusable for exchange in gate.upstream.exchanges] == [True, False, False, False]


# Room and the body


async def test_nobody_holds_a_slot_by_uploading(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint", announced=10)
    client.says(b"12345", more=True)
    await gate.settled()
    assert (gate.slot(), gate.held, gate.driver.pool.budget.uploading) == ("free", 5, 1)
    client.says(b"67890")
    await gate.settled()
    assert (gate.slot(), gate.held, gate.driver.pool.budget.uploading) == ("working", 10, 0)
    gate.pod.answers()
    await gate.settled()
    assert (gate.pod.received, gate.record.bytes_in) == (b"1234567890", 10)


async def test_a_full_line_refuses_before_the_body_is_read(gate: Gatehouse) -> None:
    gate.policy(line_limit=1)
    working, waiting = await gate.visit("GET /paint"), await gate.visit("GET /paint")
    refused = await gate.visit("POST /paint", announced=10)
    assert reason(refused) == (503, "line_full")
    assert (refused.was_asked, refused.header("connection")) == (False, "close")
    assert (refused.header("retry-after"), refused.header("x-queue-position")) == ("10", None)
    bodiless = await gate.visit("POST /paint")
    assert reason(bodiless) == (503, "line_full")
    gate.served.profile = replace(gate.served.profile, refusal=lambda title, detail: {"error": {"message": title}})
    told = await gate.visit("POST /paint")
    assert json.loads(told.body)["error"]["message"] == json.loads(told.body)["title"]
    waiting.leaves()
    working.leaves()
    gate.pod.answers()


@pytest.mark.parametrize("headers", [[("content-length", "6")], [CHUNKED]])
async def test_no_room_for_the_body(gate: Gatehouse, headers: list[tuple[str, str]]) -> None:
    gate.policy(bytes_limit=5)
    client = await gate.visit("POST /paint", *headers)
    client.says(b"123456")
    await gate.settled()
    assert reason(client) == (503, "bytes_full")
    assert client.header("retry-after") == "1"  # nobody is in line


async def test_eleven_who_announce_much_and_send_little_keep_nobody_out(gate: Gatehouse) -> None:
    gate.policy(bytes_limit=10_000, client_share=25)
    slow = [await gate.visit("POST /paint", announced=1000) for _ in range(11)]
    for client in slow:
        client.says(b"x", more=True)
    other = await gate.visit("POST /paint", body=b"x" * 1000, peer="192.0.2.2")
    assert (gate.slot(), gate.held) == ("working", 1011)
    for client in slow:
        client.leaves()
    gate.pod.answers()
    await gate.settled()
    assert other.status == 200


async def test_one_client_has_no_more_than_its_share_of_line_and_bytes(gate: Gatehouse) -> None:
    gate.policy(line_limit=8, bytes_limit=100, client_share=25)
    mine = [await gate.visit("GET /paint"), await gate.visit("GET /paint"), await gate.visit("GET /paint")]
    with capture_logs() as log:
        refused = await gate.visit("GET /paint")
    assert reason(refused) == (503, "client_full")
    assert [(line["event"], line["reason"], line["client"]) for line in log] == [
        ("no_room", "client_full", "192.0.2.1")
    ]
    session = await gate.visit("GET /paint", gate.cookie())
    proxy = await gate.visit("POST /paint", body=b"x" * 90, peer="10.0.0.1")
    large = await gate.visit("POST /paint", body=b"x" * 26, peer="2001:db8::1")
    assert (session.status, proxy.status, reason(large)[0]) == (None, None, 503)
    for client in (session, proxy, *reversed(mine)):
        client.leaves()
    gate.pod.answers()


@pytest.mark.parametrize("request_line", ["POST /paint", "POST /page"])
async def test_a_body_that_is_too_large(gate: Gatehouse, request_line: str) -> None:
    announced = await gate.visit(request_line, announced=1001)
    assert (reason(announced), announced.was_asked) == ((413, "body_too_large"), False)
    chunked = await gate.visit(request_line, CHUNKED)
    chunked.says(b"x" * 1001)
    await gate.settled()
    assert (reason(chunked), chunked.header("connection")) == ((413, "body_too_large"), "close")


@pytest.mark.parametrize("request_line", ["POST /paint", "POST /page"])
async def test_a_body_that_is_too_slow(gate: Gatehouse, request_line: str) -> None:
    client = await gate.visit(request_line, announced=10)
    client.says(b"12345", more=True)
    await gate.passes(29)
    assert not client.has_all
    await gate.passes(1)
    assert (reason(client), client.header("connection")) == ((408, "body_too_slow"), "close")


@pytest.mark.parametrize(
    ("request_line", "ending"),
    [("POST /paint", Ending.CLIENT_LEFT_UPLOADING), ("POST /page", Ending.CLIENT_LEFT_BEFORE_ANSWER)],
)
async def test_who_leaves_while_uploading(gate: Gatehouse, request_line: str, ending: Ending) -> None:
    client = await gate.visit(request_line, announced=10)
    client.says(b"12345", more=True)
    await gate.settled()
    client.leaves()
    await gate.settled()
    assert (gate.record.ending, gate.record.status, gate.record.bytes_in) == (ending, 499, 5)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # threads write the file, and virtual time would not wait
async def test_a_large_body_goes_by_a_file_that_is_closed(gate: Gatehouse) -> None:
    gate.rules(max_body=3 << 20)
    body = random.Random(1).randbytes(3 << 20)
    await gate.visit("POST /paint", body=body)
    await eventually(lambda: gate.upstream.exchanges and gate.pod.received == body)
    gate.pod.answers()
    await gate.settled()
    assert (gate.record.bytes_in, gate.record.ending) == (3 << 20, Ending.SERVED)


async def test_uncounted_bodies_are_passed_on_as_they_come(gate: Gatehouse) -> None:
    client = await gate.visit("POST /page", CHUNKED)
    client.says(b"12345", more=True)
    await gate.settled()
    assert (gate.pod.received, gate.held) == (b"12345", 0)
    client.says(b"67890")
    gate.pod.answers()
    await gate.settled()
    assert (gate.pod.received, client.has_all) == (b"1234567890", True)


# The line


async def test_who_leaves_in_line_leaves_it_at_once(gate: Gatehouse) -> None:
    first, second, third = [await gate.visit("GET /paint") for _ in range(3)]
    second.leaves()
    await gate.settled()
    assert gate.waiting == 1
    assert (gate.record.ending, gate.record.status, gate.record.place) == (Ending.CLIENT_LEFT_WAITING, 499, 1)
    gate.upstream.meets(answering(b"hers"))
    gate.pod.answers()
    await gate.settled()
    assert (first.has_all, third.body, len(gate.upstream.exchanges)) == (True, b"hers", 2)


async def test_while_somebody_waits_the_next_connection_is_dialled_ahead(gate: Gatehouse) -> None:
    await gate.visit("POST /paint")
    assert gate.upstream.dialled_ahead == []
    for _ in range(2):
        await gate.visit("POST /paint")
    await gate.visit("GET /page")
    gate.upstream.exchanges[0].answers()
    await gate.settled()
    assert gate.upstream.dialled_ahead == ["gpu-1:1"]  # for the third
    gate.upstream.exchanges[-1].answers()
    await gate.settled()
    assert (len(gate.upstream.exchanges), gate.upstream.dialled_ahead) == (4, ["gpu-1:1"])
    for exchange in gate.upstream.exchanges[1::2]:  # the page, the third
        exchange.answers()
    await gate.settled()


async def test_who_has_left_when_the_turn_comes_takes_none(gate: Gatehouse) -> None:
    gate.ready("gpu-1", "gpu-2")
    connected = anyio.Event()
    gate.upstream.meets(after(connected, refusing))
    client = await gate.visit("POST /paint")
    client.leaves()
    connected.set()
    await gate.settled()
    assert (gate.upstream.asked, gate.slot("gpu-2")) == (["gpu-1:1"], "free")
    assert gate.record.ending is Ending.CLIENT_LEFT_WAITING


async def test_a_clock_of_the_line_runs_out(gate: Gatehouse) -> None:
    gate.ready()
    client = await gate.visit("POST /paint")
    await gate.passes(600)
    assert reason(client) == (503, "nothing_came_up")
    assert gate.record.waited == pytest.approx(600, abs=0.1)


# Stopping


async def test_who_waits_is_refused(gate: Gatehouse) -> None:
    gate.ready()
    clients = [await gate.visit("POST /paint", body=b"dog"), await gate.visit("GET /page")]
    await gate.stops()
    for client in clients:
        assert reason(client) == (503, "stopping")
        assert (client.header("retry-after"), client.header("connection")) == ("10", "close")


async def test_who_uploads_is_refused(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint", announced=10)
    await gate.stops()
    assert reason(client) == (503, "stopping")
    assert client.header("retry-after") == "10"


@pytest.mark.parametrize("request_line", ["POST /paint", "GET /page", "GET /progress"])
async def test_who_comes_later_is_refused(gate: Gatehouse, request_line: str) -> None:
    await gate.stops()
    client = await gate.visit(request_line, announced=0)
    assert (reason(client), gate.upstream.asked) == ((503, "stopping"), [])


async def test_what_was_started_gets_504_without_retry_after(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    await gate.stops()
    assert reason(client) == (504, "stopped_before_answer")
    assert (client.header("retry-after"), gate.pod.broken) == (None, True)
    assert gate.quarantine() == pytest.approx(900, abs=1)


async def test_what_was_being_sent_off_counts_as_started(gate: Gatehouse) -> None:
    connected = anyio.Event()
    gate.upstream.meets(after(connected, hanging))
    client = await gate.visit("POST /paint")
    await gate.stops()
    connected.set()
    await gate.settled()
    assert reason(client) == (504, "stopped_before_answer")
    gate.quarantine()


async def test_a_turn_that_comes_with_the_end_is_not_used(gate: Gatehouse) -> None:
    gate.upstream.meets(refusing)
    client = await gate.visit("POST /paint")
    gate.ready("gpu-1", "gpu-2")
    assert gate.slot("gpu-2") == "working"
    await gate.stops()
    assert (reason(client), len(gate.upstream.asked)) == ((503, "stopping"), 1)
    assert gate.slot("gpu-2") == "free"


@pytest.mark.parametrize("request_line", ["POST /paint", "GET /page"])
async def test_what_comes_back_into_the_line_is_refused(gate: Gatehouse, request_line: str) -> None:
    refused = anyio.Event()
    gate.upstream.meets(after(refused, refusing))
    client = await gate.visit(request_line)
    await gate.stops()
    refused.set()
    await gate.settled()
    assert reason(client) == (503, "stopping")


async def test_what_would_be_repeated_is_not(gate: Gatehouse) -> None:
    client = await gate.visit("GET /paint")
    gate.pod.breaks_off()
    await gate.stops()
    assert client.status in (502, 504)
    gate.quarantine()


async def test_what_is_in_mid_answer_is_cut(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    gate.pod.begins()
    await gate.settled()
    await gate.stops()
    assert (client.status, client.was_cut, gate.pod.broken) == (200, True, True)
    assert gate.record.ending is Ending.STOPPED_IN_ANSWER
    gate.quarantine()


async def test_a_slow_reader_is_cut_and_its_backend_free(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    client.stops_reading()
    gate.pod.answers(b"dog")
    await gate.settled()
    await gate.stops()
    assert (client.was_cut, gate.slot(), gate.held) == (True, "free", 0)


@pytest.mark.parametrize("leaves", [True, False])
async def test_answers_that_nobody_waits_for_are_not_read_on(gate: Gatehouse, leaves: bool) -> None:
    client = await gate.visit("POST /paint")
    if leaves:
        client.leaves()
    else:
        await gate.passes(600)
        assert client.status == 504
    await gate.stops()
    assert gate.pod.broken
    gate.quarantine()


async def test_who_is_just_told_504_is_no_reason_to_read_on(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    client.stops_reading()
    await gate.passes(600)
    await gate.stops()
    client.reads_on()
    await gate.settled()
    assert (client.status, client.has_all, gate.pod.broken) == (504, True, True)
    gate.quarantine()


@pytest.mark.parametrize("begun", [False, True])
async def test_a_second_signal_leaves_a_record_and_no_slot(gate: Gatehouse, begun: bool) -> None:
    client = await gate.visit("POST /paint")
    if begun:
        gate.pod.begins()
    await gate.settled()
    await gate.is_ended()
    assert gate.record.ending is Ending.STOPPED_IN_ANSWER  # nobody was answered: not "refused"
    client.leaves()
    gate.quarantine()


# Defects of ours


async def test_a_defect_is_answered_logged_and_costs_no_slot(gate: Gatehouse) -> None:
    gate.upstream.meets(crashing)
    with capture_logs() as logs:
        client = await gate.visit("POST /paint")
    assert reason(client) == (500, "internal_error")
    assert [(line["event"], line["request_id"]) for line in logs] == [("request_failed", "id-00000001")]
    assert gate.why_quarantined() == "internal_error"
    gate.quarantine()


@pytest.mark.parametrize("reads", [True, False])
async def test_a_defect_in_mid_answer_cuts_the_client(gate: Gatehouse, reads: bool) -> None:
    client = await gate.visit("POST /paint")
    gate.pod.begins()
    await gate.settled()
    if not reads:
        client.stops_reading()
    gate.pod.gives(b"1")
    await gate.settled()
    gate.pod.gives(b"2")
    with capture_logs() as logs:
        gate.pod.crashes()
        await gate.settled()
    assert (client.was_cut, gate.record.ending, len(logs)) == (True, Ending.INTERNAL_ERROR_IN_ANSWER, 1)
    gate.quarantine()


# Records


async def served(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"dog"))
    await gate.visit("POST /paint")


async def unrouted(gate: Gatehouse) -> None:
    await gate.visit("POST /paint", host="other.example")


async def refused(gate: Gatehouse) -> None:
    gate.policy(bytes_limit=1)
    await gate.visit("POST /paint", announced=10)


async def told_of_start(gate: Gatehouse) -> None:
    gate.rules(waiting_page=WaitingPage())
    gate.ready()
    await gate.visit("GET /page", ("accept", "text/html"))
    await gate.passes(WATCHED_FOR)


async def waited(gate: Gatehouse) -> None:
    gate.ready()
    await gate.visit("POST /paint", ("prefer", "wait=1"))
    await gate.passes(1)


async def left_uploading(gate: Gatehouse) -> None:
    (await gate.visit("POST /paint", announced=10)).leaves()


async def uploaded_slowly(gate: Gatehouse) -> None:
    await gate.visit("POST /paint", announced=10)
    await gate.passes(30)


async def left_waiting(gate: Gatehouse) -> None:
    gate.ready()
    (await gate.visit("POST /paint")).leaves()


async def left_before_answer(gate: Gatehouse) -> None:
    (await gate.visit("POST /paint")).leaves()
    gate.pod.answers()


async def left_in_answer(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    gate.pod.begins()
    await gate.settled()
    client.leaves()
    gate.pod.ends()


async def stalled(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    client.stops_reading()
    gate.pod.answers(b"dog")
    await gate.passes(60)


async def broke_before_answer(gate: Gatehouse) -> None:
    gate.upstream.meets(breaking_off)
    await gate.visit("POST /page")


async def answered_nonsense(gate: Gatehouse) -> None:
    gate.upstream.meets(talking_nonsense)
    await gate.visit("POST /page")


async def answered_slowly(gate: Gatehouse) -> None:
    await gate.visit("POST /page")
    await gate.passes(600)


async def broke_in_answer(gate: Gatehouse) -> None:
    await gate.visit("POST /page")
    gate.pod.begins()
    gate.pod.breaks_off()


async def stalled_in_answer(gate: Gatehouse) -> None:
    await gate.visit("POST /page")
    gate.pod.begins()
    await gate.passes(302)


async def stopped_before_answer(gate: Gatehouse) -> None:
    await gate.visit("POST /page")
    await gate.stops()


async def stopped_in_answer(gate: Gatehouse) -> None:
    await gate.visit("POST /page")
    gate.pod.begins()
    await gate.settled()
    await gate.stops()


async def defect(gate: Gatehouse) -> None:
    await gate.visit("POST /page")
    gate.pod.crashes()


async def defect_in_answer(gate: Gatehouse) -> None:
    await gate.visit("POST /page")
    gate.pod.begins()
    await gate.settled()
    gate.pod.crashes()


async def answered_here(gate: Gatehouse) -> None:
    gate.served.profile = a1111()
    gate.ready()
    await gate.visit("POST /internal/progress", body=b'{"id_task": "task(a)"}')


async def not_theirs(gate: Gatehouse) -> None:
    gate.served.profile = a1111()
    await gate.visit("POST /sdapi/v1/interrupt", gate.cookie())


ENDINGS: dict[Ending, tuple[Story, int, Outcome]] = {
    Ending.SERVED: (served, 200, Outcome.SERVED),
    Ending.ANSWERED_HERE: (answered_here, 200, Outcome.SERVED),
    Ending.NOT_YOURS: (not_theirs, 200, Outcome.REFUSED),
    Ending.NO_ROUTE: (unrouted, 404, Outcome.REFUSED),
    Ending.REFUSED: (refused, 503, Outcome.REFUSED),
    Ending.TOLD_OF_START: (told_of_start, 503, Outcome.REFUSED),
    Ending.WAITED: (waited, 503, Outcome.REFUSED),
    Ending.CLIENT_LEFT_UPLOADING: (left_uploading, 499, Outcome.CLIENT_GONE),
    Ending.CLIENT_SLOW_UPLOADING: (uploaded_slowly, 408, Outcome.REFUSED),
    Ending.CLIENT_LEFT_WAITING: (left_waiting, 499, Outcome.CLIENT_GONE),
    Ending.CLIENT_LEFT_BEFORE_ANSWER: (left_before_answer, 499, Outcome.CLIENT_GONE),
    Ending.CLIENT_LEFT_IN_ANSWER: (left_in_answer, 200, Outcome.CLIENT_GONE),
    Ending.CLIENT_STALLED: (stalled, 200, Outcome.CUT),
    Ending.BACKEND_BROKE_BEFORE_ANSWER: (broke_before_answer, 502, Outcome.REFUSED),
    Ending.BACKEND_BAD_ANSWER: (answered_nonsense, 502, Outcome.REFUSED),
    Ending.BACKEND_SLOW_ANSWER: (answered_slowly, 504, Outcome.REFUSED),
    Ending.BACKEND_BROKE_IN_ANSWER: (broke_in_answer, 200, Outcome.CUT),
    Ending.BACKEND_STALLED_IN_ANSWER: (stalled_in_answer, 200, Outcome.CUT),
    Ending.STOPPED_BEFORE_ANSWER: (stopped_before_answer, 504, Outcome.REFUSED),
    Ending.STOPPED_IN_ANSWER: (stopped_in_answer, 200, Outcome.CUT),
    Ending.INTERNAL_ERROR: (defect, 500, Outcome.REFUSED),
    Ending.INTERNAL_ERROR_IN_ANSWER: (defect_in_answer, 200, Outcome.CUT),
}


@pytest.mark.parametrize("ending", ENDINGS, ids=lambda ending: ending.name.lower())
async def test_each_request_has_one_record_that_says_how_it_ended(gate: Gatehouse, ending: Ending) -> None:
    story, status, outcome = ENDINGS[ending]
    with capture_logs():
        await story(gate)
        await gate.settled()
    (record,) = gate.records
    assert (record.ending, record.ending and record.ending.outcome, record.status) == (ending, outcome, status)
    assert record.ended_at >= record.started_at


def test_every_ending_has_its_story() -> None:
    assert set(Ending) == set(ENDINGS)


async def test_a_record_tells_the_whole_story(gate: Gatehouse) -> None:
    await gate.passes(100)
    first = await gate.visit("GET /paint")
    await gate.visit("POST /paint?a=b", body=b"a dog", peer=PROXY)
    await gate.passes(3)
    gate.upstream.exchanges[0].answers()
    await gate.passes(4)
    gate.pod.answers(b"woof", 201)
    await gate.settled()
    record = gate.record
    assert (record.client, record.method, record.target, record.host) == (PROXY, "POST", b"/paint?a=b", "sd.example")
    assert (record.pool, record.lane, record.backend) == ("sd", Lane.COUNTED, "gpu-1")
    assert (record.turns, record.place, record.status, record.bytes_in, record.bytes_out) == (1, 1, 201, 5, 4)
    assert [record.waited, record.granted_at, record.service] == pytest.approx([3, 103, 4])
    assert [record.started_at, record.ended_at] == pytest.approx([100, 107])
    assert record.receipt == (
        "counted by default, since no rule names it; gpu-1 is its new home; came as number 1 in line; gpu-1 busy; "
        "gpu-1 became free"
    )
    assert gate.records[0].receipt == "counted by default, since no rule names it; gpu-1 is its new home"
    assert first.has_all


@pytest.mark.parametrize("in_line", [False, True])
async def test_nothing_of_a_request_is_remembered_or_left_to_the_garbage_collector(
    gate: Gatehouse, in_line: bool
) -> None:
    """What hangs together in a circle stays until a collection, and in the milliseconds of one nothing else happens."""
    gc.collect()
    gc.disable()
    try:
        if in_line:
            await gate.visit("POST /paint")
            gate.upstream.spares.append("gpu-1:1")
        await gate.visit("POST /paint", body=b"a dog")
        while gate.upstream.exchanges:
            gate.upstream.exchanges.pop(0).answers(b"dog")
        await gate.settled()
        assert not [each for each in gc.get_objects() if isinstance(each, RequestContext)]
    finally:
        gc.enable()


class Painters:
    """Backends that paint for some seconds whatever becomes of their connections, and notice a second picture."""

    def __init__(self, tasks: TaskGroup, chance: random.Random) -> None:
        self.at_work: Counter[str] = Counter()
        self.double_runs = 0
        self._tasks = tasks
        self._chance = chance

    async def paint(self, exchange: ScriptedExchange) -> None:
        """A script."""
        self.at_work[exchange.address] += 1
        self.double_runs += self.at_work[exchange.address] > 1
        self._tasks.start_soon(self._work, exchange)

    async def _work(self, exchange: ScriptedExchange) -> None:
        await anyio.sleep(self._chance.uniform(0.5, 4))
        exchange.begins()
        await anyio.sleep(self._chance.uniform(0.5, 4))
        self.at_work[exchange.address] -= 1
        exchange.gives(b"dog")
        exchange.ends()


@pytest.mark.parametrize("on_client_gone", [OnClientGone.FINISH, OnClientGone.CLOSE])
async def test_nobody_is_lost_and_nothing_runs_twice_at_once(gate: Gatehouse, on_client_gone: OnClientGone) -> None:
    chance = random.Random(2)
    gate.rules(on_client_gone=on_client_gone, quarantine_max=9)
    gate.ready(*(f"gpu-{number}" for number in range(4)))
    async with anyio.create_task_group() as tasks:
        painters = Painters(tasks, chance)
        gate.upstream.meets(*[painters.paint] * 200)
        for _ in range(200):
            client = await gate.visit("POST /paint", body=b"a dog")
            if chance.random() < 0.3:
                tasks.start_soon(leave_after, client, chance.uniform(0, 20))
            await anyio.sleep(chance.uniform(0, 2))
        with anyio.fail_after(5000):
            while gate.driver.pool.demand:  # noqa: ASYNC110  (virtual time)
                await anyio.sleep(10)
    outcomes = Counter(record.ending.outcome for record in gate.records if record.ending)
    assert painters.double_runs == 0
    assert sum(outcomes.values()) == len(gate.clients) == 200
    assert outcomes.keys() == {Outcome.SERVED, Outcome.CLIENT_GONE}


async def leave_after(client: VisitingClient, seconds: float) -> None:
    await anyio.sleep(seconds)
    client.leaves()


# What profiles know besides


async def test_a_pod_whose_routes_are_not_there_yet_is_asked_again(gate: Gatehouse) -> None:
    """The 404 of a pod that has only opened its port is not the client's; a real one is."""
    gate.served.profile = replace(PROFILE, too_early=lambda path, status, body: (path, status) == (b"/paint", 404))
    gate.upstream.meets(answering(b'{"detail":"Not Found"}', 404), answering(b"picture"))
    client = await gate.visit("POST /paint", body=b"dog")
    assert (client.status, gate.slot(), gate.waiting) == (None, "free", 1)
    await gate.passes(1)
    assert (client.body, gate.pod.received, gate.record.turns) == (b"picture", b"dog", 2)
    gate.upstream.meets(answering(b"no", 404), answering(b"nor here", 404))
    assert (await gate.visit("POST /other")).body == b"no"
    assert (await gate.visit("GET /page")).body == b"nor here"


async def test_a_pod_that_wants_its_own_name(gate: Gatehouse) -> None:
    gate.served.profile = replace(PROFILE, own_host=True)
    gate.upstream.meets(answering())
    await gate.visit("GET /paint", ("origin", "http://sd.example"))
    assert (gate.pod.header("host"), gate.pod.header("origin")) == (b"gpu-1:1", b"http://gpu-1:1")
    assert gate.pod.header("x-forwarded-host") == b"sd.example"
