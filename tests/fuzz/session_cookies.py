"""The session cookie: whatever a client brings, only a value that was issued is believed, byte for byte, and no
cookie of ours is left for the backend."""

from __future__ import annotations

from itertools import count

from gateway.proxy.headers import cookie_header as cookies
from gateway.proxy.session.cookie import SessionCookies, Verdict

_NOW = 1_800_000_000.0
_TTL = 1800


def _jar(key: str, pool: str) -> SessionCookies:
    numbers = count()
    return SessionCookies((key,), pool=pool, name="sd", ttl=_TTL, new_id=lambda: f"visitor-{next(numbers)}")


def _value(jar: SessionCookies, issued_at: float) -> bytes:
    """As a browser sends it back."""
    set_cookie = jar.issue(jar.new_session(), "uid-1", issued_at, secure=True)
    return set_cookie.partition(b";")[0].partition(b"=")[2]


_JAR = _jar("the key", "sd")
_GOOD = [_value(_JAR, _NOW), _value(_JAR, _NOW - _TTL)]
_OLD = _value(_JAR, _NOW - _TTL - 1)
_FOREIGN = [_value(_jar("the key", "other"), _NOW), _value(_jar("another", "sd"), _NOW)]

SEEDS = [
    b"sd=" + _GOOD[0],
    b"a=1; sd=" + _GOOD[1] + b"; b=2",
    b"sd=" + _OLD + b"; sd=" + _GOOD[0],
    b"sd=" + _OLD,
    b"sd=" + _FOREIGN[0] + b";sd=" + _FOREIGN[1],
    b'sd; sd ="x"; sd=..; sd=a.b.c.' + b"A" * 43,
    b"sd=" + _GOOD[0][:-1] + b"\xff",
]


def check(data: bytes) -> None:
    """`data`: one `Cookie` header."""
    headers = [(b"cookie", data)]
    reading = _JAR.read(headers, _NOW, lambda session: False)
    brought = list(cookies.values_of(b"sd", headers))
    assert (reading.verdict is Verdict.NONE) is not bool(brought)
    assert (reading.verdict is Verdict.VALID) is (reading.claim is not None)
    assert (reading.verdict is Verdict.VALID) is any(value in _GOOD for value in brought[:16]), "believed or not"
    assert reading.verdict is not Verdict.EXPIRED or _OLD in brought, "of all that was never issued"
    if reading.claim is not None:
        assert _JAR.home_of(reading.claim, {"uid-1", "uid-2"}) == "uid-1"
        assert _JAR.home_of(reading.claim, {"uid-2"}) is None
    _check_taken_out(data)


def _check_taken_out(value: bytes) -> None:
    left = cookies.without(b"sd", value)
    assert list(cookies.values_of(b"sd", [(b"cookie", left)])) == [], "ours went on"
    assert _others(left) == _others(value), "others did not"


def _others(value: bytes) -> list[bytes]:
    pairs = [pair.strip() for pair in value.split(b";")]
    return [pair for pair in pairs if pair and pair.partition(b"=")[0].strip() != b"sd"]
