"""Pairs of Cookie headers: ours are found and taken out, the others stay byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.proxy.headers import cookie_header as cookies


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        (b"a=1; b=2", b"a=1; b=2"),
        (b"sd=x", b""),
        (b"sd=x; a=1", b"a=1"),
        (b"a=1; sd=x", b"a=1"),
        (b"a=1; sd=x; b=2", b"a=1; b=2"),
        (b"a=1;sd=x;b=2", b"a=1;b=2"),
        (b"sd=x; sd=y", b""),
        (b"sd=x; ;", b""),
        (b"sd", b""),  # without "=": a name to some servers
        (b" sd =x; a=1", b"a=1"),
        (b"SD=x; sdx=1; xsd=2; a=sd", b"SD=x; sdx=1; xsd=2; a=sd"),
        (b'a="x; sd=1"', b'a="x'),  # quotes protect nothing
        (b"a=1;  b=2", b"a=1;  b=2"),  # not ours to tidy up
    ],
)
def test_takes_out_the_cookies_of_a_name(sent: bytes, left: bytes) -> None:
    assert cookies.without(b"sd", sent) == left


def test_finds_all_values_of_a_name_in_the_order_sent() -> None:
    headers = [(b"cookie", b"a=1; sd=first"), (b"accept", b"sd=no"), (b"cookie", b" sd = second ; sd=a=b; sdx=no; sd")]
    assert list(cookies.values_of(b"sd", headers)) == [b"first", b"second", b"a=b", b""]


_PAIR = st.one_of(
    st.binary(max_size=12).map(lambda raw: raw.replace(b";", b"")),
    st.sampled_from([b"sd", b"sd=", b" sd=x", b"sd =y", b"sd==", b"sdx=1", b"a=sd=1", b"\tsd\t=1", b""]),
)


@settings(deadline=None)
@given(st.lists(_PAIR, max_size=8))
def test_ours_never_survives_and_others_stay_in_order_and_byte_exact(pairs: list[bytes]) -> None:
    left = cookies.without(b"sd", b";".join(pairs))

    def is_ours(pair: bytes) -> bool:
        return pair.split(b"=")[0].strip() == b"sd"

    assert list(cookies.values_of(b"sd", [(b"cookie", left)])) == []
    others = [pair for pair in pairs if not is_ours(pair)]
    if any(pair.strip() for pair in others) and len(others) < len(pairs):
        assert left == b";".join(others).strip()
    elif len(others) < len(pairs):
        assert left == b""
    else:
        assert left == b";".join(pairs)
