from __future__ import annotations

import pytest

from gateway.core.records.listed import BackendState, Listed
from gateway.discovery.departures import Departures
from gateway.upstream.dialer import Dialer
from gateway.upstream.request import UpstreamRequest
from tests.doubles.recording_reports import RecordingReports
from tests.doubles.scripted_server import ScriptedServer, always


class Story(RecordingReports):
    """What the pool was told, and who left between that."""

    def left(self, address: str) -> None:
        """Nobody is there, or somebody else."""
        self.told.append(f"left {address}")


def pod(uid: str, address: str) -> Listed:
    return Listed(uid, address, uid)


def test_who_is_not_listed_any_more_has_left_before_the_pool_knows() -> None:
    story = Story()
    departures = Departures(story, story.left)
    departures.replace_backends([pod("a", "10.0.0.1:80"), pod("b", "10.0.0.2:80")])
    departures.replace_backends(iter([pod("b", "10.0.0.2:80")]))
    departures.replace_backends([pod("b", "10.0.0.2:80")])
    assert story.told == ["list a b", "left 10.0.0.1:80", "list b", "list b"]


def test_another_at_the_same_address_is_somebody_else() -> None:
    story = Story()
    departures = Departures(story, story.left)
    departures.replace_backends([pod("a", "10.0.0.1:80")])
    departures.replace_backends([pod("b", "10.0.0.1:80")])
    assert story.told == ["list a", "left 10.0.0.1:80", "list b"]


@pytest.mark.anyio
async def test_who_is_somebody_else_gets_connections_of_its_own() -> None:
    dialer = Dialer()
    departures = Departures(RecordingReports(), dialer.forget)
    get = UpstreamRequest(b"GET", b"/", [(b"host", b"pod")], reusable=True)
    reused = []
    async with ScriptedServer(always(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        for uid in ("a", "a", "b"):
            departures.replace_backends([pod(uid, server.address)])
            exchange = await dialer.send(server.address, get)
            await exchange.head()
            reused.append(exchange.reused)
        await dialer.aclose()
    assert reused == [False, True, False]


def test_who_has_moved_has_left_the_old_address() -> None:
    story = Story()
    departures = Departures(story, story.left)
    departures.replace_backends([pod("a", "10.0.0.1:80")])
    departures.replace_backends([pod("a", "10.0.0.9:80")])
    assert story.told == ["list a", "left 10.0.0.1:80", "list a"]


def test_of_two_addresses_each_is_left() -> None:
    story = Story()
    departures = Departures(story, story.left)
    both = Listed("a", "10.0.0.1:8012", "a", direct_address="10.0.0.1:7860")
    departures.replace_backends([both])
    departures.replace_backends([pod("a", "10.0.0.1:8012")])
    departures.replace_backends([both])
    departures.replace_backends([])
    assert story.told == [
        "list a",
        "left 10.0.0.1:7860",
        "list a",
        "list a",
        "left 10.0.0.1:7860",
        "left 10.0.0.1:8012",
        "list",
    ]


def test_of_states_only_the_end_is_a_departure() -> None:
    story = Story()
    departures = Departures(story, story.left)
    departures.replace_backends([pod("a", "10.0.0.1:80")])
    for state in (BackendState.READY, BackendState.STARTING, BackendState.DRAINING, BackendState.GONE):
        departures.set_state("a", state)
    departures.set_state("nobody", BackendState.GONE)
    assert story.told == [
        "list a",
        "a ready",
        "a starting",
        "a draining",
        "left 10.0.0.1:80",
        "a gone",
        "nobody gone",
    ]


def test_all_else_is_passed_on() -> None:
    story = Story()
    departures = Departures(story, story.left)
    departures.start_failed("no GPU", 2.0)
    departures.start_succeeded()
    assert story.told == ["start failed: no GPU (again in 2 s)", "start succeeded"]
