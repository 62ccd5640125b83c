"""One at a time, really: a slot is free when the backend is done, whatever becomes of the client."""

from __future__ import annotations

import asyncio
from contextvars import Context
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.core.records.decisions import Ending
from gateway.profiles.treatment import Interrupt
from gateway.proxy.pool.rules import OnClientGone
from tests.doubles.scripted_upstream import after, answering, hanging, queue_full, refusing
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from tests.doubles.scripted_upstream import Script
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

EVENTS = (b"content-type", b"text/event-stream; charset=utf-8")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


def interruptible(gate: Gatehouse) -> None:
    """Its backends give up their work when asked to `/stop`, and are asked when a client leaves."""
    gate.served.profile = replace(gate.served.profile, interrupt=Interrupt("POST", "/stop"))
    gate.rules(on_client_gone=OnClientGone.INTERRUPT)


# The client listens


async def test_the_next_in_line_goes_before_the_last_piece(gate: Gatehouse) -> None:
    first, second = await gate.visit("POST /paint"), await gate.visit("POST /paint")
    had_all: list[bool] = []
    gate.upstream.when_asked = lambda: had_all.append(first.has_all)
    gate.pod.answers(b"dog")
    await gate.settled()
    gate.pod.answers()
    await gate.settled()
    assert (had_all, first.has_all, second.has_all) == ([False], True, True)


async def test_an_answer_is_passed_on_as_it_comes(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint", body=b"a dog")
    assert gate.pod.received == b"a dog"
    gate.pod.begins(201, [(b"content-type", b"text/plain")])
    await gate.settled()
    assert (client.status, client.header("content-type"), client.body) == (201, "text/plain", b"")
    gate.pod.gives(b"pretty ")
    await gate.settled()
    assert (client.body, client.has_all, gate.slot()) == (b"pretty ", False, "working")
    gate.pod.gives(b"dog")
    gate.pod.ends()
    await gate.settled()
    assert (client.body, client.has_all, gate.slot()) == (b"pretty dog", True, "free")
    assert (gate.record.ending, gate.record.status, gate.record.bytes_out) == (Ending.SERVED, 201, 10)


async def test_a_backends_hints_go_ahead_of_its_answer(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    gate.pod.hints((b"link", b"</a.css>"), (b"x-build", b"7"))
    gate.pod.hints((b"x-build", b"7"))
    assert (client.hints, client.status) == ([[(b"link", b"</a.css>")]], None)
    gate.pod.answers(b"dog")
    await gate.settled()
    assert (client.status, client.body) == (200, b"dog")


async def test_hints_for_a_client_that_left_are_nobodys(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    client.leaves()
    gate.pod.hints((b"link", b"</a.css>"))
    gate.pod.answers(b"dog")
    await gate.settled()
    assert client.hints == []


@pytest.mark.parametrize("whole", [False, True])
async def test_the_status_of_an_answer_is_what_its_backend_is_judged_by(gate: Gatehouse, whole: bool) -> None:
    gate.driver.refit(replace(gate.driver.pool.policy, health_errors=1))
    for _ in range(2):
        client = await gate.visit("POST /paint")
        if whole:
            gate.pod.answers(b"CUDA out of memory", 500)
        else:
            gate.pod.begins(500, [])
            gate.pod.gives(b"CUDA")
            await gate.settled()
            gate.pod.ends()
        await gate.settled()
        assert client.status == 500
    (backend,) = gate.driver.snapshot().backends
    assert (backend.fails_because, backend.served) == ("2 turns in a row failed, the last one: it answered 500", 0)


async def test_one_that_fails_behind_its_clients_back_is_judged_too(gate: Gatehouse) -> None:
    gate.driver.refit(replace(gate.driver.pool.policy, health_errors=1))
    for _ in range(2):
        client = await gate.visit("POST /paint")
        client.leaves()
        gate.pod.answers(b"CUDA out of memory", 500)
        await gate.settled()
    (backend,) = gate.driver.snapshot().backends
    assert backend.found_failing == 1


async def test_a_whole_answer_goes_out_at_once(gate: Gatehouse) -> None:
    gate.upstream.meets(answering(b"pretty dog"))
    client = await gate.visit("GET /paint")
    assert (client.body, client.has_all, gate.record.ending) == (b"pretty dog", True, Ending.SERVED)


async def test_the_next_in_line_is_served_before_the_last_piece_is_taken(gate: Gatehouse) -> None:
    first = await gate.visit("GET /paint")
    second = await gate.visit("GET /paint")
    first.stops_reading()
    gate.upstream.meets(answering(b"hers"))
    gate.pod.answers(b"his")
    await gate.settled()
    assert (second.body, second.has_all, first.has_all) == (b"hers", True, False)
    first.reads_on()
    await gate.settled()
    assert (first.body, first.has_all) == (b"his", True)


# The client leaves


async def test_who_leaves_before_the_answer_leaves_the_slot_to_it(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    client.leaves()
    await gate.passes(800)  # beyond response_start: nobody waits for a head any more
    assert gate.slot() == "working"
    gate.pod.begins()
    await gate.passes(50)
    assert gate.slot() == "working"
    gate.pod.gives(b"pretty dog")
    gate.pod.ends()
    await gate.settled()
    assert (gate.slot(), gate.pod.broken) == ("free", False)
    assert (gate.record.ending, gate.record.status) == (Ending.CLIENT_LEFT_BEFORE_ANSWER, 499)


async def test_who_leaves_in_mid_answer_leaves_the_slot_to_it(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    gate.pod.begins()
    gate.pod.gives(b"pretty ")
    await gate.settled()
    client.leaves()
    await gate.passes(500)  # beyond idle
    gate.pod.gives(b"dog")
    await gate.passes(350)  # beyond idle once more
    assert gate.slot() == "working"
    gate.pod.ends()
    await gate.settled()
    assert (gate.slot(), gate.pod.broken, client.body) == ("free", False, b"pretty ")
    assert (gate.record.ending, gate.record.status) == (Ending.CLIENT_LEFT_IN_ANSWER, 200)


async def test_what_is_left_of_total_is_the_drain_timeout(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    await gate.passes(500)
    client.leaves()
    await gate.passes(399)
    assert (gate.slot(), gate.pod.closed) == ("working", False)
    await gate.passes(1.01)
    assert (gate.slot(), gate.pod.broken) == ("quarantined", True)
    assert gate.quarantine() == pytest.approx(1, abs=0.1)  # nothing is left, and an end that is seen is worth a second


async def test_a_drain_timeout_of_its_own_does_not_shorten_the_quarantine(gate: Gatehouse) -> None:
    gate.rules(drain_timeout=10)
    client = await gate.visit("POST /paint")
    await gate.passes(100)
    client.leaves()
    await gate.passes(9)
    assert gate.slot() == "working"
    await gate.passes(2)
    assert (gate.slot(), gate.pod.broken) == ("quarantined", True)
    assert gate.quarantine() == pytest.approx(900 - 111, abs=1)
    assert gate.record.ending is Ending.CLIENT_LEFT_BEFORE_ANSWER


async def test_quarantine_lasts_as_long_as_the_rules_say(gate: Gatehouse) -> None:
    gate.rules(drain_timeout=10, quarantine_max=42)
    client = await gate.visit("POST /paint")
    client.leaves()
    await gate.passes(10)
    assert gate.why_quarantined() == "client_left_before_answer"
    assert gate.quarantine() == pytest.approx(42, abs=0.1)


async def test_a_backend_that_stops_when_its_connection_closes_is_free_at_once(gate: Gatehouse) -> None:
    gate.rules(drain_timeout=10, quarantine_max=0)
    client = await gate.visit("POST /paint")
    client.leaves()
    await gate.passes(10)
    assert (gate.slot(), gate.pod.broken) == ("free", True)


async def test_a_backend_that_breaks_while_nobody_listens_is_quarantined(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    client.leaves()
    await gate.passes(100)
    gate.pod.breaks_off()
    await gate.settled()
    assert gate.quarantine() == pytest.approx(800, abs=1)
    assert (gate.record.ending, gate.record.detail) == (Ending.CLIENT_LEFT_BEFORE_ANSWER, "gpu-1:1: as scripted")


async def test_close_is_at_once_and_then_quarantine(gate: Gatehouse) -> None:
    gate.rules(on_client_gone=OnClientGone.CLOSE)
    client = await gate.visit("POST /paint")
    client.leaves()
    await gate.settled()
    assert (gate.slot(), gate.pod.broken) == ("quarantined", True)
    assert gate.quarantine() == pytest.approx(900, abs=1)


@pytest.mark.parametrize("kind", [b"text/event-stream", b"Multipart/X-Mixed-Replace;boundary=x"])
async def test_a_stream_without_an_end_is_closed_and_its_slot_free(gate: Gatehouse, kind: bytes) -> None:
    interruptible(gate)
    client = await gate.visit("GET /paint")
    gate.pod.begins(200, [(b"content-type", kind)])
    await gate.settled()
    client.leaves()
    await gate.settled()
    assert (gate.slot(), gate.pod.broken, gate.record.ending) == ("free", True, Ending.CLIENT_LEFT_IN_ANSWER)
    assert len(gate.upstream.exchanges) == 1  # nothing needs to be interrupted


async def test_what_a_client_has_left_is_counted_once_with_who_waits_for_it(gate: Gatehouse) -> None:
    gate.driver.pool.estimates.served(10)
    gate.driver.pool.estimates.warmed(60)
    client, page = await gate.visit("POST /paint"), await gate.visit("GET /page")
    await gate.visit("POST /paint")
    assert gate.driver.pool.demand == 2
    for each in (client, page):
        each.leaves()
    await gate.settled()
    assert (gate.driver.pool.demand, gate.waiting, gate.slot()) == (1, 1, "working")
    gate.upstream.exchanges[0].answers()
    await gate.settled()
    gate.pod.answers()
    await gate.settled()


async def test_a_stream_that_shows_only_then_that_it_has_no_end_is_closed_too(gate: Gatehouse) -> None:
    client = await gate.visit("GET /paint")
    client.leaves()
    await gate.settled()
    gate.pod.begins(200, [EVENTS])
    await gate.settled()
    assert (gate.slot(), gate.pod.broken, gate.record.ending) == ("free", True, Ending.CLIENT_LEFT_BEFORE_ANSWER)


async def test_a_stream_whose_backend_works_on_is_closed_and_its_slot_asked_for(gate: Gatehouse) -> None:
    gate.served.profile = replace(gate.served.profile, works_after_disconnect=True)
    client = await gate.visit("GET /paint")
    gate.pod.begins(200, [EVENTS])
    await gate.passes(100)
    client.leaves()
    await gate.settled()
    assert gate.pod.broken
    assert gate.quarantine() == 800


async def test_a_stream_that_ends_with_the_work_is_read_on_to_its_end(gate: Gatehouse) -> None:
    """Seen with an MCP client on Gradio 5.49: it closes each call's stream when it has the result, and the pod was out
    for 15 minutes."""
    gate.served.profile = replace(gate.served.profile, works_after_disconnect=True)
    client = await gate.visit("POST /paint", body=b"a dog")
    gate.pod.begins(200, [EVENTS])
    await gate.settled()
    client.leaves()
    await gate.passes(100)
    assert (gate.slot(), gate.pod.broken) == ("working", False)
    gate.pod.gives(b"data: a dog\n\n")
    gate.pod.ends()
    await gate.settled()
    assert (gate.slot(), gate.record.ending) == ("free", Ending.CLIENT_LEFT_IN_ANSWER)


async def test_an_open_stream_that_is_not_counted_holds_nothing_up(gate: Gatehouse) -> None:
    client = await gate.visit("GET /page")
    backends = gate.driver.pool.backends
    assert [each.name for each in backends.values() if each.is_busy] == ["gpu-1"]
    gate.pod.begins(200, [EVENTS])
    await gate.settled()
    assert not any(each.is_busy for each in backends.values())
    client.leaves()


@pytest.mark.parametrize("begun", [False, True])
async def test_uncounted_requests_are_closed_at_once(gate: Gatehouse, begun: bool) -> None:
    client = await gate.visit("GET /page")
    if begun:
        gate.pod.begins()
    await gate.settled()
    client.leaves()
    await gate.settled()
    assert (gate.slot(), gate.pod.broken) == ("free", True)
    expected = Ending.CLIENT_LEFT_IN_ANSWER if begun else Ending.CLIENT_LEFT_BEFORE_ANSWER
    assert gate.record.ending is expected


@pytest.mark.parametrize("script", [hanging, answering(b"at once")])
async def test_who_left_while_the_backend_was_connected_to_is_noticed(gate: Gatehouse, script: Script) -> None:
    connected = anyio.Event()
    gate.upstream.meets(after(connected, script))
    client = await gate.visit("GET /page")
    client.leaves()
    connected.set()
    await gate.settled()
    assert (gate.pod.broken, gate.record.ending) == (script is hanging, Ending.CLIENT_LEFT_BEFORE_ANSWER)


async def test_who_leaves_just_when_the_answer_ends_costs_no_quarantine(gate: Gatehouse) -> None:
    interruptible(gate)
    client = await gate.visit("POST /paint")
    gate.pod.begins()
    await gate.settled()
    client.leaves()
    gate.pod.ends()
    await gate.settled()
    assert (gate.slot(), gate.record.ending) == ("free", Ending.CLIENT_LEFT_IN_ANSWER)
    assert len(gate.upstream.exchanges) == 1  # nor an interrupt


async def test_the_next_ones_work_is_not_interrupted(gate: Gatehouse) -> None:
    """Nor where the answer comes whole in the very turn of the loop in which its client leaves."""
    interruptible(gate)
    client, _ = await gate.visit("POST /paint"), await gate.visit("POST /paint")
    client.leaves()
    gate.pod.answers(b"dog")
    await gate.settled()
    assert [exchange.request.target for exchange in gate.upstream.exchanges] == [b"/paint", b"/paint"]
    gate.pod.answers()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_leaving_is_told_by_the_connection_outside_of_any_task(gate: Gatehouse) -> None:
    """There asyncio knows no task and sniffio no library, and half of anyio does not work."""
    interruptible(gate)
    gate.rules(drain_timeout=50)
    client = await gate.visit("POST /paint")
    asyncio.get_running_loop().call_soon(client.leaves, context=Context())
    await gate.settled()
    work, interrupt = gate.upstream.exchanges
    interrupt.answers()
    work.answers()
    await gate.settled()
    assert (gate.slot(), gate.record.ending) == ("free", Ending.CLIENT_LEFT_BEFORE_ANSWER)


# Interrupts


async def test_interrupt_tells_the_backend_and_then_reads_on(gate: Gatehouse) -> None:
    interruptible(gate)
    client = await gate.visit("POST /paint")
    client.leaves()
    await gate.settled()
    work, interrupt = gate.upstream.exchanges
    assert (interrupt.request.method, interrupt.request.target, interrupt.address) == (b"POST", b"/stop", "gpu-1:1")
    interrupt.answers()
    await gate.settled()
    assert (gate.slot(), interrupt.closed) == ("working", True)
    work.answers(b"half a dog")
    await gate.settled()
    assert (gate.slot(), work.broken) == ("free", False)


async def test_the_slot_is_kept_until_the_interrupt_is_over(gate: Gatehouse) -> None:
    interruptible(gate)
    leaving = await gate.visit("POST /paint")
    other = await gate.visit("POST /paint")
    leaving.leaves()
    await gate.settled()
    work, interrupt = gate.upstream.exchanges
    work.answers(b"a whole dog")
    await gate.settled()
    assert (gate.slot(), gate.waiting) == ("working", 1)  # an interrupt on its way would hit the next one's work
    interrupt.answers()
    gate.upstream.meets(answering(b"hers"))
    await gate.settled()
    assert other.body == b"hers"


@pytest.mark.parametrize("is_refused", [False, True])
async def test_an_interrupt_that_fails_is_logged_and_holds_nothing_up(gate: Gatehouse, is_refused: bool) -> None:
    interruptible(gate)
    client = await gate.visit("POST /paint")
    if is_refused:
        gate.upstream.meets(refusing)
    with capture_logs() as logs:
        client.leaves()
        await gate.settled()
        gate.upstream.exchanges[0].answers()
        await gate.passes(10)
    assert [line["event"] for line in logs] == ["interrupt_failed"]
    assert gate.slot() == "free"


async def test_who_cannot_be_interrupted_finishes(gate: Gatehouse) -> None:
    gate.rules(on_client_gone=OnClientGone.INTERRUPT)
    client = await gate.visit("POST /paint")
    client.leaves()
    await gate.settled()
    gate.pod.answers()
    await gate.settled()
    assert (len(gate.upstream.exchanges), gate.slot()) == (1, "free")


async def test_a_backend_that_is_done_is_not_interrupted(gate: Gatehouse) -> None:
    """By then it works for somebody else."""
    interruptible(gate)
    slow = await gate.visit("POST /paint")
    slow.stops_reading()
    gate.pod.answers(b"pretty dog")
    await gate.settled()
    slow.leaves()
    await gate.settled()
    assert len(gate.upstream.exchanges) == 1
    assert gate.record.ending is Ending.CLIENT_LEFT_IN_ANSWER


# Our timers


async def test_each_piece_counts_for_idle_even_if_its_client_has_just_stopped_and_read_on(gate: Gatehouse) -> None:
    gate.rules(idle=30)
    client = await gate.visit("GET /paint")
    gate.pod.begins()
    await gate.settled()
    client.stops_reading(at=1)
    gate.pod.gives(b"1")
    client.reads_on()
    await gate.settled()
    await gate.passes(25)
    gate.pod.gives(b"2")
    await gate.passes(25)
    gate.pod.gives(b"3")
    await gate.settled()
    gate.pod.ends()
    await gate.settled()
    assert (client.body, gate.record.ending) == (b"123", Ending.SERVED)


async def test_without_headers_in_time_504_and_the_slot_is_free_when_the_backend_is_done(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    await gate.passes(600)
    assert (client.status, client.has_all, gate.slot()) == (504, True, "working")
    assert client.header("retry-after") is None
    gate.pod.begins()
    gate.pod.gives(b"too late")
    gate.pod.ends()
    await gate.settled()
    assert (gate.slot(), gate.pod.broken) == ("free", False)
    assert (gate.record.ending, gate.record.status) == (Ending.BACKEND_SLOW_ANSWER, 504)
    assert b"too late" not in client.body


async def test_without_headers_at_all_the_slot_is_quarantined(gate: Gatehouse) -> None:
    gate.rules(drain_timeout=100)
    await gate.visit("POST /paint")
    await gate.passes(699)
    assert gate.slot() == "working"
    await gate.passes(2)
    assert gate.quarantine() == pytest.approx(200, abs=1)


async def test_a_backend_that_stalls_in_mid_answer(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    gate.pod.begins(length=20)
    await gate.passes(299)
    gate.pod.gives(b"pretty ")
    await gate.passes(299)
    assert not client.gone
    await gate.passes(3)
    assert (client.was_cut, client.has_all, gate.slot()) == (True, False, "working")
    gate.pod.gives(b"dog")
    gate.pod.ends()
    await gate.settled()
    assert (gate.slot(), gate.record.ending) == ("free", Ending.BACKEND_STALLED_IN_ANSWER)


async def test_our_own_cut_is_not_the_clients_leaving(gate: Gatehouse) -> None:
    gate.rules(on_client_gone=OnClientGone.CLOSE)
    client = await gate.visit("POST /paint")
    gate.pod.begins()
    await gate.passes(302)
    assert (client.was_cut, gate.slot(), gate.pod.closed) == (True, "working", False)
    gate.pod.ends()
    await gate.settled()
    assert gate.slot() == "free"


async def test_an_answer_that_takes_too_long_in_all(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    gate.pod.begins()
    for _ in range(9):
        await gate.passes(100)
        gate.pod.gives(b".")
    assert (client.was_cut, gate.pod.broken) == (True, True)
    assert gate.quarantine() == pytest.approx(1, abs=0.1)


async def test_a_stalled_stream_without_an_end_is_not_read_on(gate: Gatehouse) -> None:
    client = await gate.visit("GET /paint")
    gate.pod.begins(200, [EVENTS])
    await gate.passes(302)
    assert (client.was_cut, gate.pod.broken, gate.slot()) == (True, True, "free")


@pytest.mark.parametrize(("seconds", "begun"), [(600, False), (302, True)])
async def test_uncounted_requests_are_given_up(gate: Gatehouse, seconds: float, begun: bool) -> None:
    client = await gate.visit("GET /page")
    if begun:
        gate.pod.begins()
    await gate.passes(seconds)
    assert gate.pod.broken
    assert (client.was_cut, client.status) == ((True, 200) if begun else (False, 504))


# The backend breaks


async def test_broken_in_mid_answer_is_never_a_clean_end(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    gate.pod.begins()
    gate.pod.gives(b"pretty ")
    gate.pod.breaks_off()
    await gate.settled()
    assert (client.body, client.was_cut, client.has_all) == (b"pretty ", True, False)
    assert gate.why_quarantined() == "backend_broke_in_answer"
    assert gate.quarantine() == pytest.approx(900, abs=1)
    assert (gate.record.ending, gate.record.detail) == (Ending.BACKEND_BROKE_IN_ANSWER, "gpu-1:1: as scripted")


async def test_a_stream_without_an_end_that_breaks_is_quarantined_like_others(gate: Gatehouse) -> None:
    client = await gate.visit("GET /paint")
    gate.pod.begins(200, [EVENTS])
    await gate.passes(10)
    gate.pod.breaks_off()
    await gate.settled()
    assert client.was_cut
    assert gate.quarantine() == pytest.approx(890, abs=1)


async def test_an_uncounted_answer_that_breaks_quarantines_nothing(gate: Gatehouse) -> None:
    client = await gate.visit("GET /page")
    gate.pod.begins()
    gate.pod.breaks_off()
    await gate.settled()
    assert (client.was_cut, gate.slot()) == (True, "free")


# Nothing was started


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, b"pending request queue full"),
        (503, b"pending request queue full\r\n"),
        (502, b"dial tcp 127.0.0.1:8080: connect: connection refused\n"),
    ],
)
async def test_the_queue_proxys_refusals_are_not_passed_on(gate: Gatehouse, status: int, body: bytes) -> None:
    gate.upstream.meets(answering(body, status), answering(b"pretty dog"))
    client = await gate.visit("POST /paint", body=b"dog")
    await gate.passes(1)
    assert (client.status, client.body, gate.record.turns) == (200, b"pretty dog", 2)
    assert gate.pod.received == b"dog"


@pytest.mark.parametrize("body", [b"", b"pending request queue empty", b"no healthy upstream, said at length"])
async def test_other_503s_are_passed_on(gate: Gatehouse, body: bytes) -> None:
    gate.upstream.meets(answering(body, 503))
    client = await gate.visit("POST /paint")
    assert (client.status, client.body, client.has_all) == (503, body, True)
    assert (gate.slot(), gate.record.turns) == ("free", 1)


async def test_a_short_503_that_comes_in_pieces_is_read_before_it_is_judged(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    gate.pod.begins(503, length=8)
    gate.pod.gives(b"come ")
    await gate.settled()
    assert not client.headers
    gate.pod.gives(b"back")
    gate.pod.ends()
    await gate.settled()
    assert (client.status, client.body) == (503, b"come back")


async def test_nobody_needs_another_turn_who_has_left(gate: Gatehouse) -> None:
    connected = anyio.Event()
    gate.upstream.meets(after(connected, queue_full))
    client = await gate.visit("POST /paint")
    client.leaves()
    connected.set()
    await gate.settled()
    assert (gate.slot(), gate.record.ending) == ("free", Ending.CLIENT_LEFT_BEFORE_ANSWER)


async def test_a_body_that_went_by_is_not_sent_again(gate: Gatehouse) -> None:
    gate.upstream.meets(queue_full)
    client = await gate.visit("POST /page", body=b"went by")
    assert (client.status, gate.record.turns) == (503, 1)


async def test_what_had_no_body_gets_another_turn_on_any_lane(gate: Gatehouse) -> None:
    gate.upstream.meets(queue_full, answering(b"page"))
    client = await gate.visit("GET /page")
    await gate.passes(1)
    assert (client.body, gate.record.turns) == (b"page", 2)


# Slow readers


async def test_a_backend_is_free_while_its_client_still_reads(gate: Gatehouse) -> None:
    gate.rules(idle=30)
    client = await gate.visit("POST /paint")
    gate.pod.begins()
    client.stops_reading(at=1)
    for piece in (b"1", b"2", b"3"):
        gate.pod.gives(piece)
        await gate.settled()
    assert (gate.held, gate.slot()) == (2, "working")
    gate.pod.ends()
    await gate.passes(50)
    assert (gate.slot(), gate.held, client.body) == ("free", 2, b"1")
    client.reads_on()
    await gate.settled()
    assert (client.body, client.has_all, gate.held) == (b"123", True, 0)
    assert (gate.record.ending, gate.record.service) == (Ending.SERVED, 0)


async def test_once_it_reads_again_it_gets_the_rest_as_it_comes(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    client.stops_reading()
    gate.pod.begins()
    gate.pod.gives(b"1")
    await gate.settled()
    client.reads_on()
    gate.pod.gives(b"2")
    await gate.settled()
    assert (client.body, gate.held) == (b"12", 0)
    gate.pod.gives(b"3")
    gate.pod.ends()
    await gate.settled()
    assert (client.body, client.has_all) == (b"123", True)


async def test_a_client_that_takes_nothing_is_cut_and_the_answer_read_to_its_end(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    client.stops_reading()
    gate.pod.begins()
    gate.pod.gives(b"1")
    await gate.passes(59)
    assert not client.gone
    await gate.passes(1)
    assert (client.was_cut, gate.held, gate.slot()) == (True, 0, "working")
    for piece in (b"2", b"3"):
        gate.pod.gives(piece)
        await gate.passes(200)
    gate.pod.ends()
    await gate.settled()
    assert (gate.slot(), gate.pod.broken, gate.record.ending) == ("free", False, Ending.CLIENT_STALLED)


async def test_a_client_that_takes_nothing_is_cut_when_the_backend_is_long_done(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    gate.pod.begins()
    await gate.settled()
    client.stops_reading()
    gate.pod.gives(b"1")
    await gate.settled()
    gate.pod.gives(b"2")
    gate.pod.ends()
    await gate.passes(60)
    assert (client.was_cut, client.has_all, gate.slot()) == (True, False, "free")
    assert gate.record.ending is Ending.CLIENT_STALLED


@pytest.mark.parametrize("request_line", ["POST /paint", "GET /page"])
async def test_a_client_that_takes_all_but_the_last_piece_is_cut_too(gate: Gatehouse, request_line: str) -> None:
    client = await gate.visit(request_line)
    client.stops_reading(at=10)
    gate.pod.answers(b"pretty dog")
    await gate.passes(59)
    assert not client.gone
    await gate.passes(2)
    assert (client.was_cut, gate.slot(), gate.record.ending) == (True, "free", Ending.CLIENT_STALLED)


async def test_a_client_that_takes_all_but_the_last_piece_of_a_spool_is_cut_too(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    client.stops_reading()
    gate.pod.answers(b"pretty dog")
    await gate.settled()
    client.reads_on()
    client.stops_reading(at=10)
    await gate.passes(59)
    assert (client.body, client.gone) == (b"pretty dog", False)
    await gate.passes(1)
    assert (client.was_cut, gate.record.ending) == (True, Ending.CLIENT_STALLED)


async def test_who_leaves_with_half_of_it_read_ends_the_spool(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    client.stops_reading()
    gate.pod.begins()
    gate.pod.gives(b"1")
    await gate.settled()
    client.leaves()
    gate.pod.gives(b"2")
    await gate.settled()
    assert gate.slot() == "working"
    gate.pod.ends()
    await gate.settled()
    assert (gate.slot(), gate.record.ending) == ("free", Ending.CLIENT_LEFT_IN_ANSWER)


async def test_a_full_spool_makes_the_backend_wait_and_blames_nobody(gate: Gatehouse) -> None:
    gate.policy(bytes_limit=2)
    gate.rules(idle=30)
    client = await gate.visit("POST /paint")
    client.stops_reading()
    gate.pod.begins()
    for piece in (b"1", b"2"):
        gate.pod.gives(piece)
        await gate.settled()
    gate.pod.gives(b"3")
    await gate.settled()
    gate.pod.gives(b"4")
    await gate.passes(50)  # beyond idle: it is the client who is waited for
    assert (gate.pod.ready, gate.held, client.gone) == (True, 2, False)
    client.reads_on()
    gate.pod.ends()
    await gate.settled()
    assert (client.body, gate.record.ending) == (b"1234", Ending.SERVED)


async def test_a_backend_that_breaks_behind_a_slow_reader(gate: Gatehouse) -> None:
    client = await gate.visit("POST /paint")
    client.stops_reading()
    gate.pod.begins()
    gate.pod.gives(b"1")
    await gate.settled()
    gate.pod.breaks_off()
    await gate.settled()
    assert (client.was_cut, gate.held, gate.slot()) == (True, 0, "quarantined")
    assert gate.record.ending is Ending.BACKEND_BROKE_IN_ANSWER
    assert gate.quarantine() == pytest.approx(900, abs=1)


async def test_a_backend_that_stalls_behind_a_slow_reader(gate: Gatehouse) -> None:
    gate.rules(idle=20)
    client = await gate.visit("POST /paint")
    client.stops_reading()
    gate.pod.begins()
    gate.pod.gives(b"1")
    await gate.passes(22)
    assert (client.was_cut, gate.slot()) == (True, "working")
    gate.pod.ends()
    await gate.settled()
    assert (gate.slot(), gate.record.ending) == ("free", Ending.BACKEND_STALLED_IN_ANSWER)


async def test_on_other_lanes_the_backend_waits_for_the_client(gate: Gatehouse) -> None:
    client = await gate.visit("GET /page")
    gate.pod.begins()
    client.stops_reading(at=1)
    gate.pod.gives(b"1")
    await gate.settled()
    gate.pod.gives(b"2")
    await gate.settled()
    assert (gate.pod.ready, gate.held, client.body) == (True, 0, b"1")
    client.reads_on()
    gate.pod.ends()
    await gate.settled()
    assert (client.body, client.has_all) == (b"12", True)


async def test_each_is_blamed_for_their_own_time(gate: Gatehouse) -> None:
    gate.rules(idle=30)
    client = await gate.visit("GET /page")
    gate.pod.begins()
    client.stops_reading(at=1)
    gate.pod.gives(b"1")
    await gate.passes(50)  # beyond idle: it is the client who is waited for
    assert not client.gone
    client.reads_on()
    await gate.passes(32)
    assert (client.was_cut, gate.record.ending) == (True, Ending.BACKEND_STALLED_IN_ANSWER)


@pytest.mark.parametrize("stays", [False, True])
async def test_on_other_lanes_a_client_that_takes_nothing_ends_it(gate: Gatehouse, stays: bool) -> None:
    client = await gate.visit("GET /page")
    client.stops_reading()
    gate.pod.begins()
    await gate.settled()
    if not stays:
        client.leaves()
    await gate.passes(61)
    assert (gate.pod.broken, client.was_cut) == (True, stays)
    assert gate.record.ending is (Ending.CLIENT_STALLED if stays else Ending.CLIENT_LEFT_IN_ANSWER)
