"""The session cookie: issued, brought back, forged, foreign, expired, and through a change of keys."""

from __future__ import annotations

import itertools
import re
import secrets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.proxy.session.cookie import Claim, SameSite, SessionCookies, Verdict, session_ids

NOW = 1_800_000_000.0
TTL = 1800
PODS = {"uid-1": None, "uid-2": None}


def jar(*keys: str, pool: str = "sd") -> SessionCookies:
    return SessionCookies(keys or ("k1",), pool=pool, name="sd", ttl=TTL, new_id=lambda: secrets.token_urlsafe(16))


def value_of(set_cookie: bytes) -> bytes:
    return set_cookie.partition(b";")[0].partition(b"=")[2]


def verdict(cookies: SessionCookies, *values: bytes, now: float = NOW, known: bool = False) -> Verdict:
    headers = [(b"cookie", b"; ".join(b"sd=" + value for value in values))]
    return cookies.read(headers, now, lambda session: known).verdict


def claim(cookies: SessionCookies, value: bytes) -> Claim:
    reading = cookies.read([(b"cookie", b"sd=" + value)], NOW, lambda session: True)
    assert reading.claim is not None
    return reading.claim


def test_a_cookie_comes_back_and_leads_home() -> None:
    cookies = jar()
    session = cookies.new_session()
    brought = claim(cookies, value_of(cookies.issue(session, "uid-2", NOW, secure=False)))
    assert (brought.session, brought.issued_at) == (session, NOW)
    assert cookies.home_of(brought, PODS) == "uid-2"


def test_its_attributes() -> None:
    set_cookie = jar().issue("id", "uid-1", NOW, secure=True)
    assert set_cookie.split(b"; ")[1:] == [b"Max-Age=1800", b"Path=/", b"HttpOnly", b"SameSite=Lax", b"Secure"]
    assert b"Secure" not in jar().issue("id", "uid-1", NOW, secure=False)
    assert b"uid-1" not in set_cookie


@pytest.mark.parametrize("secure", [True, False])
def test_one_that_crosses_sites_is_secure_and_partitioned(secure: bool) -> None:
    cookies = SessionCookies(["k"], pool="sd", name="sd", ttl=TTL, new_id=str, same_site=SameSite.NONE)
    attributes = cookies.issue("id", "uid-1", NOW, secure=secure).split(b"; ")[1:]
    assert attributes == [b"Max-Age=1800", b"Path=/", b"HttpOnly", b"SameSite=None", b"Secure", b"Partitioned"]


def test_one_may_stay_on_its_site() -> None:
    cookies = SessionCookies(["k"], pool="sd", name="sd", ttl=TTL, new_id=str, same_site=SameSite.STRICT)
    assert cookies.issue("id", "uid-1", NOW, secure=False).endswith(b"; HttpOnly; SameSite=Strict")


def test_a_home_that_is_gone_is_none_and_one_that_comes_back_is_found() -> None:
    cookies = jar()
    brought = claim(cookies, value_of(cookies.issue("id", "uid-9", NOW, secure=False)))
    assert cookies.home_of(brought, PODS) is None
    assert cookies.home_of(brought, {"uid-9": None}) == "uid-9"
    assert cookies.home_of(brought, PODS) is None


def test_homes_of_backends_long_gone_are_forgotten() -> None:
    cookies = jar()
    for number in range(500):
        gone = claim(cookies, value_of(cookies.issue("id", f"gone-{number}", NOW, secure=False)))
        assert cookies.home_of(gone, {f"gone-{number}"}) == f"gone-{number}"
    assert len(cookies._homes) < 200


def test_no_cookie_is_none() -> None:
    assert jar().read([(b"accept", b"*/*"), (b"cookie", b"a=1; sdx=2")], NOW, lambda session: False) == (
        Verdict.NONE,
        None,
    )


@pytest.mark.parametrize(
    "value", [b"", b"a", b".", b"...", b"a.b.1." + b"A" * 43, b"x" * 10_000, b"\xff" * 60, b"A" * 43]
)
def test_what_was_never_issued_is_invalid(value: bytes) -> None:
    assert verdict(jar(), value) is Verdict.INVALID


def test_every_flipped_bit_is_noticed() -> None:
    cookies = jar()
    value = value_of(cookies.issue(cookies.new_session(), "uid-1", NOW, secure=False))
    assert verdict(cookies, value) is Verdict.VALID
    for place in range(len(value)):
        for bit in range(8):
            forged = bytearray(value)
            forged[place] ^= 1 << bit
            assert verdict(cookies, bytes(forged)) in (Verdict.INVALID, Verdict.NONE), (place, bit)


def test_every_truncation_is_noticed() -> None:
    cookies = jar()
    value = value_of(cookies.issue("id", "uid-1", NOW, secure=False))
    assert all(verdict(cookies, value[:length]) is Verdict.INVALID for length in range(len(value)))
    assert verdict(cookies, value + b"A") is Verdict.INVALID


def test_another_pools_or_another_keys_cookie_is_foreign() -> None:
    value = value_of(jar("k1").issue("id", "uid-1", NOW, secure=False))
    assert verdict(jar("k1", pool="other"), value) is Verdict.INVALID
    assert verdict(jar("k2"), value) is Verdict.INVALID


def test_the_first_valid_one_of_several_counts() -> None:
    cookies = jar()
    one, two = (value_of(cookies.issue(session, "uid-1", NOW, secure=False)) for session in ("one", "two"))
    old = value_of(cookies.issue("old", "uid-1", NOW - TTL - 1, secure=False))
    headers = [(b"cookie", b"sd=forged; sd=" + old), (b"cookie", b"a=1; sd=" + one + b"; sd=" + two)]
    reading = cookies.read(headers, NOW, lambda session: False)
    assert reading.claim is not None
    assert reading.claim.session == "one"
    assert verdict(cookies, b"forged", old, b"forged") is Verdict.EXPIRED


def test_a_flood_of_cookies_is_not_read_to_its_end() -> None:
    cookies = jar()
    valid = value_of(cookies.issue("id", "uid-1", NOW, secure=False))
    assert verdict(cookies, *[b"forged"] * 15, valid) is Verdict.VALID
    assert verdict(cookies, *[b"forged"] * 16, valid) is Verdict.INVALID


def test_the_time_to_live_runs_from_issue_where_the_session_is_not_known() -> None:
    cookies = jar()
    value = value_of(cookies.issue("id", "uid-1", NOW, secure=False))
    assert verdict(cookies, value, now=NOW + TTL) is Verdict.VALID
    assert verdict(cookies, value, now=NOW + TTL + 1) is Verdict.EXPIRED
    assert verdict(cookies, value, now=NOW + TTL + 1, known=True) is Verdict.VALID
    assert verdict(cookies, value, now=NOW - 60) is Verdict.VALID  # our clock was set back


def test_it_is_renewed_past_half_its_life() -> None:
    cookies = jar()
    brought = Claim("id", "digest", int(NOW))
    assert not cookies.needs_renewal(brought, NOW + TTL / 2)
    assert cookies.needs_renewal(brought, NOW + TTL / 2 + 1)


def test_rotation_keeps_sessions_and_their_homes_until_the_key_is_dropped() -> None:
    cookies = jar("old")
    value = value_of(cookies.issue("id", "uid-2", NOW, secure=False))
    assert verdict(cookies, value) is Verdict.VALID

    cookies.rotate(["new", "old"])
    assert cookies.home_of(claim(cookies, value), PODS) == "uid-2"
    renewed = value_of(cookies.issue("id", "uid-2", NOW, secure=False))
    assert verdict(jar("new"), renewed) is Verdict.VALID  # the newest signs

    cookies.rotate(["new"])
    assert verdict(cookies, value) is Verdict.INVALID
    assert cookies.home_of(claim(cookies, renewed), PODS) == "uid-2"


def test_it_needs_a_key() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        jar().rotate([])


@settings(deadline=None)
@given(st.lists(st.binary(max_size=120), max_size=4))
def test_nothing_a_client_sends_breaks_it_or_is_believed(values: list[bytes]) -> None:
    assert verdict(jar(), *values) in (Verdict.NONE, Verdict.INVALID)


def test_ids_of_sessions_are_all_different() -> None:
    ids = list(itertools.islice(session_ids(), 1000))
    assert len(set(ids)) == 1000
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", each) for each in ids)
