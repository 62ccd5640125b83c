"""A profile that wants to see a request before it says what counts, in front of a real pool of one slot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.records.lanes import Lane
from gateway.profiles.generic import generic
from gateway.profiles.rules import rule
from gateway.profiles.treatment import LOOK, SMALL_BODY, Asked, More, Treatment
from gateway.proxy import classification
from tests.doubles.eventually import eventually
from tests.doubles.scripted_upstream import answering
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from gateway.profiles.treatment import Profile
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

LANES = {b"light": Lane.EXEMPT, b"poll": Lane.PASSIVE, b"kill": Lane.DENIED}


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


class Curious:
    """A profile by bodies; it remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Asked] = []

    def profile(self) -> Profile:
        by_body, by_query = More(self._ask, by_body=True), More(self._ask)
        in_dialogue = More(self._ask, dialogue="some")
        return generic(
            (
                rule("POST /options", Lane.COUNTED, more=by_body),
                rule("POST /poll", Lane.PASSIVE, more=by_body),
                rule("GET /query", Lane.COUNTED, more=by_query),
                rule("GET /dialogue", Lane.COUNTED, more=in_dialogue),
            )
        )

    def _ask(self, asked: Asked) -> Treatment:
        self.shown.append(asked)
        return Treatment(LANES.get(asked.body[:5].strip() or asked.query, Lane.COUNTED))


@pytest.fixture
def curious(gate: Gatehouse) -> Curious:
    curious = Curious()
    gate.served.profile = curious.profile()
    return curious


async def test_a_body_that_is_light_takes_no_slot_and_gives_its_place_back(gate: Gatehouse, curious: Curious) -> None:
    gate.policy(line_limit=1)
    work = await gate.visit("GET /paint")
    gate.upstream.meets(answering(b"set"))
    light = await gate.visit("POST /options?a=1", body=b"light")
    assert (light.body, gate.pod.received, gate.record.lane) == (b"set", b"light", Lane.EXEMPT)
    assert curious.shown == [Asked("POST", b"/options", b"a=1", b"light", whole=True)]
    assert gate.driver.pool.budget.uploading == 0
    heavy = await gate.visit("POST /options", body=b"heavy")
    assert (heavy.status, gate.waiting) == (None, 1)
    work.leaves()
    heavy.leaves()
    gate.upstream.exchanges[0].answers()


async def test_what_the_body_forbids(gate: Gatehouse, curious: Curious) -> None:
    client = await gate.visit("POST /options", body=b"kill")
    assert (client.status, gate.upstream.asked, gate.record.lane) == (403, [], Lane.DENIED)


async def test_a_small_body_of_an_uncounted_request_is_held_while_it_is_asked_about(
    gate: Gatehouse, curious: Curious
) -> None:
    gate.upstream.meets(answering(b"50 %"))
    client = await gate.visit("POST /poll", body=b"poll")
    assert (client.body, gate.pod.received, gate.held) == (b"50 %", b"poll", 0)


async def test_a_larger_one_is_refused_before_it_is_read(gate: Gatehouse, curious: Curious) -> None:
    gate.rules(max_body=SMALL_BODY * 2)
    client = await gate.visit("POST /poll", announced=SMALL_BODY + 1)
    assert (client.status, client.was_asked, curious.shown) == (413, False, [])


async def test_an_uncounted_one_that_turns_out_to_be_work_takes_a_slot(gate: Gatehouse, curious: Curious) -> None:
    work = await gate.visit("POST /poll", body=b"heavy")
    assert (work.status, gate.slot()) == (None, "working")
    gate.pod.answers(b"done")
    await gate.settled()
    assert work.body == b"done"


async def test_without_a_body_it_is_asked_by_its_query(gate: Gatehouse, curious: Curious) -> None:
    gate.ready()
    client = await gate.visit("GET /query?poll")
    assert (client.status, gate.record.lane) == (503, Lane.PASSIVE)


async def test_a_dialogue_asks_itself(gate: Gatehouse, curious: Curious) -> None:
    gate.upstream.meets(answering())
    await gate.visit("GET /dialogue?poll")
    assert (gate.record.lane, curious.shown) == (Lane.COUNTED, [])


def test_most_requests_are_settled_by_method_and_path() -> None:
    assert not classification.is_open(Treatment(Lane.COUNTED))
    assert not classification.needs_body(Treatment(Lane.COUNTED, more=More(job="x")))


class TestInRealTime:
    """A body of that size is read from a file, by a thread."""

    @pytest.fixture
    def anyio_backend(self) -> str:
        return "asyncio"

    async def test_no_more_than_the_beginning_is_shown(self, gate: Gatehouse, curious: Curious) -> None:
        gate.rules(max_body=LOOK * 3)
        gate.upstream.meets(answering())
        client = await gate.visit("POST /options", body=b"x" * (LOOK * 2))
        await eventually(lambda: client.has_all)
        [asked] = curious.shown
        assert (len(asked.body), asked.whole, len(gate.pod.received)) == (LOOK, False, LOOK * 2)
