"""What a head must say, judged field by field."""

from __future__ import annotations

import pytest

from gateway.server import head_rules
from gateway.server.refusals import BAD_FRAMING, BAD_HOST, BAD_METHOD, BAD_TARGET, Refusal, Refused


def refusal_of(excinfo: pytest.ExceptionInfo[Refused]) -> Refusal:
    return excinfo.value.refusal


@pytest.mark.parametrize(
    ("fields", "length"),
    [
        ({}, 0),
        ({b"content-length": b"0"}, 0),
        ({b"content-length": b"17"}, 17),
        ({b"content-length": b"999999999999999"}, 999_999_999_999_999),
        ({b"transfer-encoding": b"chunked"}, head_rules.CHUNKED),
        ({b"transfer-encoding": b"Chunked"}, head_rules.CHUNKED),  # names of codings have no case
    ],
)
def test_a_body_is_framed_in_one_way(fields: dict[bytes, bytes], length: int) -> None:
    assert head_rules.body_length(fields, http11=True) == length


@pytest.mark.parametrize(
    "fields",
    [
        {b"content-length": b""},
        {b"content-length": b"+5"},
        {b"content-length": b"-1"},
        {b"content-length": b"5, 5"},
        {b"content-length": b"0x5"},
        {b"content-length": b"1_000"},
        {b"content-length": b"1000000000000000"},
        {b"content-length": b"5", b"transfer-encoding": b"chunked"},
        {b"transfer-encoding": b""},
        {b"transfer-encoding": b"gzip, chunked"},
        {b"transfer-encoding": b"chunked, chunked"},
        {b"transfer-encoding": b"identity"},
        {b"transfer-encoding": b"xchunked"},
    ],
)
def test_any_other_framing_is_refused(fields: dict[bytes, bytes]) -> None:
    with pytest.raises(Refused) as refused:
        head_rules.body_length(fields, http11=True)
    assert refusal_of(refused) is BAD_FRAMING


def test_http_1_0_knows_no_chunks() -> None:
    with pytest.raises(Refused) as refused:
        head_rules.body_length({b"transfer-encoding": b"chunked"}, http11=False)
    assert refusal_of(refused) is BAD_FRAMING


@pytest.mark.parametrize(
    ("name", "refusal"),
    [(b"host", BAD_HOST), (b"content-length", BAD_FRAMING), (b"transfer-encoding", BAD_FRAMING)],
)
def test_what_must_be_said_once_is_said_once(name: bytes, refusal: Refusal) -> None:
    with pytest.raises(Refused) as refused:
        head_rules.notable_fields([(name, b"1"), (b"accept", b"*/*"), (name, b"1")])
    assert refusal_of(refused) is refusal


@pytest.mark.parametrize(
    "host", [b"", b"a", b"a.example:8080", b"127.0.0.1", b"[::1]:80", b"[::1]", b"xn--bcher-kva.example", b"a_b", b"a:"]
)
def test_a_good_host_passes(host: bytes) -> None:
    head_rules.check_host({b"host": host}, http11=True)


@pytest.mark.parametrize(
    "host", [b"u@a", b"a/b?c=", b"a b", b"a,b c", b"a:b", b"a:80:80", b"[::1", b"::1", b"a\xe9", b"a#b", b":80"]
)
def test_a_bad_host_does_not(host: bytes) -> None:
    with pytest.raises(Refused) as refused:
        head_rules.check_host({b"host": host}, http11=False)
    assert refusal_of(refused) is BAD_HOST


def test_only_http_1_0_may_leave_its_host_out() -> None:
    head_rules.check_host({}, http11=False)
    with pytest.raises(Refused):
        head_rules.check_host({}, http11=True)


@pytest.mark.parametrize("method", [b"CONNECT", b"TRACE"])
def test_tunnels_and_echoes_are_not_served(method: bytes) -> None:
    with pytest.raises(Refused) as refused:
        head_rules.check_method(method)
    assert refusal_of(refused) is BAD_METHOD


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/", b"/", b""),
        (b"/a%2Fb?c=%20&d?e", b"/a%2Fb", b"c=%20&d?e"),
        (b"//a", b"//a", b""),
        (b"/?", b"/", b""),
        (b"http://a", b"/", b""),
        (b"HTTP://A/b?c", b"/b", b"c"),
        (b"https://a?c", b"/", b"c"),
        (b"http://a:80/", b"/", b""),
        (b"https://A:443/", b"/", b""),
    ],
)
def test_a_target_is_split_and_not_decoded(target: bytes, path: bytes, query: bytes) -> None:
    assert head_rules.split_target(b"GET", target, b"a") == (path, query)


def test_the_asterisk_is_for_options() -> None:
    assert head_rules.split_target(b"OPTIONS", b"*", b"a") == (b"*", b"")
    with pytest.raises(Refused):
        head_rules.split_target(b"GET", b"*", b"a")


@pytest.mark.parametrize(
    "target",
    [
        b"a",
        b"*x",
        b"ftp://a/",
        b"http:///",
        b"http://b/",
        b"http://u@a/",
        b"http://a:81/",
        b"https://a:80/",
        b"/a#b",
        b"a:80",
    ],
)
def test_no_other_target_is_served(target: bytes) -> None:
    with pytest.raises(Refused) as refused:
        head_rules.split_target(b"OPTIONS", target, b"a")
    assert refusal_of(refused) is BAD_TARGET
