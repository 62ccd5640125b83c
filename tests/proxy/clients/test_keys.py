"""Keys that clients bring, and whose they are."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.clients.keys import ClientKeys, brings_one

KEY = b"k-1Zz_"
KEYS = ClientKeys({hashlib.sha256(KEY).digest(): "alice", hashlib.sha256(b"other").digest(): "bob"})


def basic(text: bytes) -> bytes:
    return b"Basic " + base64.b64encode(text)


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b"Bearer " + KEY),
        (b"authorization", b"bearer  " + KEY + b" "),
        (b"x-api-key", KEY),
        (b"authorization", basic(b"anybody:" + KEY)),
        (b"authorization", basic(b":" + KEY)),
    ],
)
def test_a_key_is_known_however_it_is_brought(header: tuple[bytes, bytes]) -> None:
    known = KEYS.find([(b"accept", b"*/*"), header])
    assert known is not None
    assert (known.name, known.headers) == ("alice", (header,))


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", KEY),
        (b"authorization", b"Bearer"),
        (b"authorization", b"Bearer " + KEY + b"x"),
        (b"authorization", b"Basic !"),
        (b"authorization", basic(KEY)),
        (b"authorization", basic(KEY + b":")),
        (b"authorization", b"Digest " + KEY),
        (b"x-api-key", b""),
        (b"x-api-key", KEY.upper()),
        (b"x-api-key", KEY + b" " * 2000),
        (b"cookie", b"key=" + KEY),
        (b"x-key", KEY),
    ],
)
def test_nothing_else_is_a_key(header: tuple[bytes, bytes]) -> None:
    assert KEYS.find([header]) is None


def test_a_pods_own_login_may_stand_beside_the_key() -> None:
    login = (b"authorization", basic(b"user:password"))
    known = KEYS.find([login, (b"x-api-key", b"other")])
    assert known is not None
    assert (known.name, known.headers) == ("bob", ((b"x-api-key", b"other"),))


def test_all_that_bring_a_key_are_told() -> None:
    brought = [(b"authorization", b"Bearer " + KEY), (b"x-api-key", b"other"), (b"authorization", basic(b":" + KEY))]
    known = KEYS.find([*brought, (b"x-api-key", b"?")])
    assert known is not None
    assert (known.name, known.headers) == ("alice", tuple(brought))


def test_a_browser_alone_sends_basic_by_itself() -> None:
    for brought, by_itself in (([basic(b":" + KEY)], True), ([b"Bearer " + KEY], False)):
        known = KEYS.find([(b"authorization", value) for value in brought])
        assert known is not None
        assert known.is_sent_by_browsers is by_itself


def test_what_is_no_key_of_ours_is_one_all_the_same() -> None:
    assert brings_one([(b"x-api-key", b"stolen")])
    assert not brings_one([(b"accept", b"*/*"), (b"authorization", b"Digest x")])


@given(st.lists(st.tuples(st.sampled_from([b"authorization", b"x-api-key"]), st.binary(max_size=40))))
def test_whatever_comes_nothing_is_raised_and_nobody_known(headers: list[tuple[bytes, bytes]]) -> None:
    assert KEYS.find(headers) is None or any(KEY in value or b"other" in value for _, value in headers)
    brings_one(headers)
