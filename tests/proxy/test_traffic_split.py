"""Who gets which revision: by tag, by session, by share."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from gateway.core.policy import Policy
from gateway.core.pool import Pool
from gateway.core.records.listed import Listed
from gateway.profiles.generic import generic
from gateway.proxy.headers.forwarded import Origin
from gateway.proxy.pool.served_pool import ServedPool
from gateway.proxy.session.cookie import SessionCookies
from gateway.proxy.traffic_split import Chosen, Revisions, TrafficSplit
from gateway.runtime.driver import Driver
from tests.doubles.scripted_upstream import ScriptedUpstream
from tests.proxy.gatehouse import RULES

if TYPE_CHECKING:
    from gateway.proxy.headers.forwarded import Header

_IDS = (f"session-{number}" for number in itertools.count())


def a_pool(name: str, *backends: str) -> ServedPool:
    driver = Driver(Pool(name, Policy(), 0.0), lambda: 0.0)
    driver.replace_backends([Listed(each, f"{each}:1", each, ready=True) for each in backends])
    cookies = SessionCookies(["k" * 32], pool="sd", name="sd", ttl=1800, new_id=lambda: next(_IDS))
    return ServedPool(name, driver, generic(()), cookies, ScriptedUpstream(), RULES)


A, B = a_pool("sd/a", "pod-a"), a_pool("sd/b", "pod-b")
BOTH = {"a": A, "b": B}


def split(**told: object) -> TrafficSplit:
    """Both revisions, half and half, unless told otherwise."""
    one = TrafficSplit(a_pool("sd"))
    one.replace(Revisions(**({"pools": BOTH, "shares": {"a": 50, "b": 50}} | told)))  # type: ignore[arg-type]
    return one


def asking(host: str = "sd.example", *, trusted: bool = False) -> Origin:
    return Origin("10.0.0.1", "10.0.0.1", "http", host.encode(), host.encode(), trusted=trusted)


def cookie(pool: ServedPool, session: str, home: str) -> list[Header]:
    issued = pool.cookies.issue(session, home, 2**33, secure=False)
    return [(b"cookie", issued.partition(b";")[0])]


def chosen(one: TrafficSplit, headers: list[Header], origin: Origin | None = None) -> Chosen:
    found = one.choose(origin or asking(), headers)
    assert found is not None
    return found


def test_while_no_revision_is_known_nobody_is_chosen() -> None:
    one = TrafficSplit(a_pool("sd"))
    assert (one.choose(asking(), []), one.is_open) == (None, False)
    one.replace(Revisions(BOTH, {"a": 0, "b": 0}))
    assert (one.choose(asking(), []), one.is_open) == (None, False)
    one.replace(Revisions({}, {"a": 100}))  # it has traffic, and nobody knows it yet
    assert one.choose(asking(), []) is None


def test_the_only_one_is_chosen_without_a_look() -> None:
    assert split(pools={"a": A}, shares={"a": 100}).choose(asking(), []) == Chosen(A)


def test_a_newcomer_is_chosen_for_by_the_session_that_it_gets() -> None:
    one = split()
    found = [chosen(one, []) for _ in range(50)]
    assert {each.pool.name for each in found} == {"sd/a", "sd/b"}
    for each in found:
        assert each.session is not None
        nowhere = cookie(A, each.session, "a pod that is gone")
        assert chosen(one, nowhere) == Chosen(each.pool)


def test_a_session_stays_where_its_home_is_and_where_it_was_seen_last() -> None:
    one = split(shares={"a": 0, "b": 100})
    assert chosen(one, cookie(A, "someone", "pod-a")) == Chosen(A)
    B.driver.pool.sessions.touch("someone", "pod-b", 1.0)
    assert chosen(one, cookie(A, "someone", "pod-a")) == Chosen(B)
    A.driver.pool.sessions.touch("someone", "pod-a", 2.0)
    assert chosen(one, cookie(B, "someone", "pod-b")) == Chosen(A)


def test_a_tag_goes_first_in_a_host_of_anybodys_and_in_a_header_of_the_trusted() -> None:
    one = split(shares={"a": 100, "b": 0}, tags={"green": "b"}, hosts={"green-sd.default": "b"})
    at_home = cookie(A, "at home", "pod-a")
    tagged: list[Header] = [*at_home, (b"knative-serving-tag", b"green")]
    assert chosen(one, at_home, asking("Green-sd.default:80")).pool is B
    assert chosen(one, tagged, asking(trusted=True)).pool is B
    assert chosen(one, tagged).pool is A
    assert chosen(one, [(b"knative-serving-tag", b"blue")], asking(trusted=True)).pool is A
