"""Hosts and paths to pools; strict and lenient readings of a path."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.routing import Route, Router, bare_host, canonical_path, lenient_paths, plain_path


@pytest.mark.parametrize(
    ("host", "bare"),
    [
        ("Example.COM", "example.com"),
        ("example.com.:8080", "example.com"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]:8080", "[::1]"),
        ("[::1]", "[::1]"),
        ("", ""),
    ],
)
def test_a_host_is_compared_without_case_port_and_trailing_dot(host: str, bare: str) -> None:
    assert bare_host(host) == bare


def test_a_pool_of_this_host_goes_before_one_of_every_host() -> None:
    router = Router([Route("any"), Route("sd", hosts=("SD.example.com",))])
    assert router.pool_for("sd.example.com:80", "/") == "sd"
    assert router.pool_for("other.example.com", "/") == "any"
    assert router.pool_for("", "*") == "any"


def test_no_route_is_none() -> None:
    assert Router([Route("sd", hosts=("sd",))]).pool_for("other", "/") is None
    assert Router([]).pool_for("sd", "/") is None


def test_the_longest_prefix_counts_and_ends_at_a_slash() -> None:
    router = Router([Route("a", ("h",), ("/a",)), Route("ab", ("h",), ("/a/b/", "/x")), Route("any")])
    assert router.pool_for("h", "/a") == "a"
    assert router.pool_for("h", "/a/c") == "a"
    assert router.pool_for("h", "/a/b") == "ab"
    assert router.pool_for("h", "/a/b/c") == "ab"
    assert router.pool_for("h", "/x") == "ab"
    assert router.pool_for("h", "/ab") == "any"  # what the host's own pools leave over


def test_two_routes_cannot_claim_the_same() -> None:
    with pytest.raises(ValueError, match="pools a and b claim the same host and path"):
        Router([Route("a", ("h",), ("/x",)), Route("b", ("H.",), ("/x/",))])


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/", "/"),
        (b"/a/b/", "/a/b/"),
        (b"/a%20b", "/a b"),
        (b"/%61", "/a"),
        (b"/%C3%A4", "/ä"),
        (b"/50%25", "/50%"),
        (b"/file=/tmp/...", "/file=/tmp/..."),
    ],
)
def test_a_path_is_decoded_once(raw: bytes, path: str) -> None:
    assert canonical_path(raw) == path


AMBIGUOUS = [
    *(b"", b"*", b"a", b"http://h/a"),
    *(b"//a", b"/a//b", b"/a//"),
    *(b"/a%2fb", b"/a%2Fb", b"/a\\b", b"/a%5cb"),
    *(b"/.", b"/..", b"/a/./b", b"/a/../b", b"/a/%2e%2E/b", b"/a/.%2e/b", b"/a/..;x/b"),
    *(b"/a%00", b"/a\x00", b"/a%0a", b"/a\tb", b"/a%7f"),
    *(b"/%ff", b"/%c0%af", b"/\xe4"),
    *(b"/%", b"/a%2", b"/a%zz"),
    *(b"/a%252fb", b"/%252e%252e/a", b"/a%25255cb", b"/a%2500"),
]


@pytest.mark.parametrize("raw", AMBIGUOUS)
def test_an_ambiguous_spelling_has_no_strict_reading(raw: bytes) -> None:
    assert canonical_path(raw) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"/a/b",
        b"//a///b",
        b"/%61/%62",
        b"/%2561%252fb",
        b"/a%5cb",
        b"/a;v=1/b;w",
        b"/a/b%00",
        b"/a/b%2500.png",
        b"/x/../a/./b",
        b"/x/%252e%252e/a/b",
        b"/a/b%20",
        b"/a./b.%20.",
        b"/x/..%20/a/b",
    ],
)
def test_lenient_readings_see_through_every_spelling(raw: bytes) -> None:
    assert "/a/b" in lenient_paths(raw)


def test_lenient_readings_keep_what_others_may_not_resolve() -> None:
    assert lenient_paths(b"/a/..%2fb") == ("/a/../b", "/b")
    assert lenient_paths(b"/a//") == ("/a", "/a/")
    assert {"/a%2F../b", "/a/../b", "/b"} <= {*lenient_paths(b"/a%252F../b")}
    assert {"/a.", "/a", "/..."} <= {*lenient_paths(b"/a."), *lenient_paths(b"/...%20")}
    assert set(lenient_paths(b"/")) == {"/"}


@given(st.binary(max_size=60).map(lambda tail: b"/" + tail))
def test_a_strict_reading_is_one_of_the_lenient_ones(raw: bytes) -> None:
    path = canonical_path(raw)
    assert path is None or ";" in path or "%" in path or path in lenient_paths(raw)


def test_decoding_goes_on_but_not_for_ever() -> None:
    """Each round reads the whole path, and a client chose how long it is and how many rounds it would take."""
    assert "/A" in lenient_paths(b"/%" + b"25" * 7 + b"41")
    assert "/A" not in lenient_paths(b"/%" + b"25" * 8 + b"41")


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        (b"/%71ueue/j%6Fin", b"/queue/join"),
        (b"/file%3Da%20%c3%bc%3f.png", b"/file=a%20%C3%BC%3F.png"),
        (b"/a%2541", b"/a%2541"),
        (b"/%71%2Fa", b"/%71%2Fa"),
        (b"/a'b", b"/a'b"),
    ],
)
def test_a_route_has_one_plain_spelling(raw: bytes, plain: bytes) -> None:
    assert plain_path(raw) == plain


@given(st.text(max_size=30).map(lambda path: f"/{path}".encode(errors="replace")))
def test_the_plain_spelling_says_the_same(raw: bytes) -> None:
    assert canonical_path(plain_path(raw)) == canonical_path(raw)
