"""Whom the gateway believes about a request's origin, and what it tells the backend of it."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.proxy.headers.forwarded import Origin, TrustedProxies

INGRESS = "10.0.0.7"
OURS = TrustedProxies(["10.0.0.0/8", "2001:db8:1::/48"])


def origin(headers: list[tuple[bytes, bytes]], peer: str = INGRESS, scheme: str = "http") -> Origin:
    return OURS.origin([(b"host", b"sd.example.com"), *headers], peer, scheme)


@pytest.mark.parametrize(
    ("address", "trusted"),
    [
        ("10.1.2.3", True),
        ("::ffff:10.1.2.3", True),  # an IPv4 peer of a dual-stack listener
        ("2001:db8:1::9", True),
        ("11.0.0.1", False),
        ("2001:db8:2::9", False),
        ("unknown", False),
        ("", False),
    ],
)
def test_trusts_the_networks_given(address: str, trusted: bool) -> None:
    assert OURS.trusts(address) is trusted
    assert OURS.trusts(address) is trusted  # as remembered


def test_trusts_nobody_by_default() -> None:
    assert not TrustedProxies([]).trusts("127.0.0.1")


def test_refuses_what_is_no_network() -> None:
    with pytest.raises(ValueError):
        TrustedProxies(["10.0.0.0/40"])


def test_remembers_a_bounded_number_of_addresses() -> None:
    proxies = TrustedProxies(["10.0.0.0/8"])
    for number in range(5000):
        proxies.trusts(f"11.0.{number // 256}.{number % 256}")
    assert proxies.trusts("10.0.0.1")


@pytest.mark.parametrize(
    ("hops", "client"),
    [
        (b"203.0.113.9", "203.0.113.9"),
        (b"6.6.6.6, 203.0.113.9", "203.0.113.9"),  # what the client itself claimed is not believed
        (b"203.0.113.9, 10.0.0.1", "203.0.113.9"),
        (b"203.0.113.9:4711, 10.0.0.1:80", "203.0.113.9"),
        (b"[2001:db8:9::1]:4711", "2001:db8:9::1"),
        (b"2001:db8:9::1, 2001:db8:1::5", "2001:db8:9::1"),
        (b"10.0.0.2, 10.0.0.1", "10.0.0.2"),  # asked from inside
        (b"6.6.6.6, unknown, 10.0.0.1", "10.0.0.1"),  # nobody vouches for what stands left of it
        (b"6.6.6.6, <script>", INGRESS),
        (b" , ,203.0.113.9, ", "203.0.113.9"),
        (b"", INGRESS),
    ],
)
def test_the_client_is_the_rightmost_address_that_is_not_trusted(hops: bytes, client: str) -> None:
    assert origin([(b"x-forwarded-for", hops)]).client == client


def test_several_header_lines_are_one_chain() -> None:
    told = origin([(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-for", b"10.0.0.1")])
    assert told.client == "203.0.113.9"
    assert dict(told.told_to_next_hop())[b"x-forwarded-for"] == b"203.0.113.9, 10.0.0.1, 10.0.0.7"


def test_an_untrusted_peer_is_believed_nothing() -> None:
    lies = [
        (b"x-forwarded-for", b"10.0.0.1"),
        (b"x-forwarded-proto", b"https"),
        (b"x-forwarded-host", b"admin.example.com"),
        (b"forwarded", b"for=10.0.0.1;host=admin.example.com"),
        (b"k-original-host", b"admin.example.com"),
        (b"x-request-id", b"lies"),
    ]
    told = origin(lies, peer="203.0.113.9")
    assert told == Origin("203.0.113.9", "203.0.113.9", "http", b"sd.example.com", b"sd.example.com", trusted=False)
    assert told.told_to_next_hop() == [
        (b"x-forwarded-for", b"203.0.113.9"),
        (b"x-forwarded-proto", b"http"),
        (b"forwarded", b"for=203.0.113.9;host=sd.example.com;proto=http"),
        (b"x-forwarded-host", b"sd.example.com"),
    ]


def test_a_trusted_peers_scheme_and_host_are_passed_on() -> None:
    told = origin([(b"x-forwarded-proto", b"https, http"), (b"x-forwarded-host", b"pictures.example.com:8443")])
    assert (told.scheme, told.host, told.received_host) == ("https", b"pictures.example.com:8443", b"sd.example.com")
    assert dict(told.told_to_next_hop())[b"forwarded"] == b'for=10.0.0.7;host="pictures.example.com:8443";proto=https'


@pytest.mark.parametrize("proto", [b"gopher", b"", b"https\t;"])
def test_a_scheme_that_is_none_does_not_count(proto: bytes) -> None:
    assert origin([(b"x-forwarded-proto", proto)]).scheme == "http"


@pytest.mark.parametrize("host", [b"evil/..", b"a b", b"u@h", b"", b'"'])
def test_a_host_that_is_none_does_not_count(host: bytes) -> None:
    assert origin([(b"x-forwarded-host", host)]).host == b"sd.example.com"


def test_knatives_original_host_goes_first_where_knative_is() -> None:
    headers = [(b"x-forwarded-host", b"internal.svc"), (b"k-original-host", b"pictures.example.com")]
    knative = TrustedProxies(["10.0.0.0/8"], knative=True)
    assert knative.origin(headers, "10.0.0.7", "http").host == b"pictures.example.com"
    assert origin(headers).host == b"internal.svc"


def test_forwarded_counts_where_it_stands_alone() -> None:
    told = origin([(b"forwarded", b'for=203.0.113.9;host=p.example.com;proto=https, For="[2001:db8:1::5]:80"')])
    assert (told.client, told.scheme, told.host) == ("203.0.113.9", "https", b"p.example.com")
    assert dict(told.told_to_next_hop()) == {
        b"x-forwarded-for": b"203.0.113.9, [2001:db8:1::5]:80, 10.0.0.7",
        b"x-forwarded-proto": b"https",
        b"x-forwarded-host": b"p.example.com",
        b"forwarded": b'for=203.0.113.9;host=p.example.com;proto=https, For="[2001:db8:1::5]:80", for=10.0.0.7',
    }


def test_a_client_cannot_slip_forwarded_past_a_proxy_that_speaks_x_forwarded() -> None:
    told = origin([(b"x-forwarded-for", b"203.0.113.9"), (b"forwarded", b"for=6.6.6.6;proto=https;host=evil.example")])
    assert (told.client, told.scheme, told.host) == ("203.0.113.9", "http", b"sd.example.com")
    made_anew = b"for=203.0.113.9;host=sd.example.com;proto=http, for=10.0.0.7"
    assert dict(told.told_to_next_hop())[b"forwarded"] == made_anew


def test_hops_that_are_no_addresses_are_unknown_in_forwarded() -> None:
    told = origin([(b"x-forwarded-for", b'2001:db8:9::1, a";b=c')])
    assert dict(told.told_to_next_hop())[b"forwarded"] == (
        b'for="[2001:db8:9::1]";host=sd.example.com;proto=http, for=unknown, for=10.0.0.7'
    )


def test_a_zone_brings_nothing_into_forwarded() -> None:
    told = origin([(b"x-forwarded-for", b'fe80::1%";host=evil.example;x=", 203.0.113.9')])
    assert dict(told.told_to_next_hop())[b"forwarded"].startswith(b"for=unknown;host=sd.example.com;proto=http, for=")


def test_what_is_too_long_for_an_address_is_not_remembered() -> None:
    """4,096 of 30 kB each would be 120 MB of what clients wrote."""
    tracemalloc.start()
    try:
        for number in range(50):
            origin([(b"x-forwarded-for", b"%d" % number * 15_000 + b", 203.0.113.9")]).told_to_next_hop()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 100_000


def test_without_a_host_none_is_told() -> None:
    told = OURS.origin([], "203.0.113.9", "https")
    assert told.told_to_next_hop() == [
        (b"x-forwarded-for", b"203.0.113.9"),
        (b"x-forwarded-proto", b"https"),
        (b"forwarded", b"for=203.0.113.9;proto=https"),
    ]


@pytest.mark.parametrize(
    ("said", "taken"),
    [(b"4a.B_c-1", b"4a.B_c-1"), (b"", None), (b"x" * 129, None), (b"a b", None), (b"a\xc3", None)],
)
def test_a_trusted_peers_request_id_is_taken_if_it_is_sane(said: bytes, taken: bytes | None) -> None:
    assert origin([(b"x-request-id", said)]).request_id == taken


_TELLING = st.sampled_from(
    [b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"k-original-host", b"x-request-id"]
)
_SAID = st.one_of(
    st.binary(max_size=30),
    st.text('for=;,"[]:.10 hostpr\\', max_size=40).map(str.encode),
)


@settings(deadline=None)
@given(st.lists(st.tuples(_TELLING, _SAID), max_size=6), st.sampled_from([INGRESS, "203.0.113.9", "::1", "unknown"]))
def test_nothing_said_breaks_it_and_our_peer_stands_last_once(said: list[tuple[bytes, bytes]], peer: str) -> None:
    told = origin(said, peer)
    assert told.scheme in ("http", "https")
    next_hop = told.told_to_next_hop()
    assert len({name for name, _ in next_hop}) == len(next_hop) == 4
    assert dict(next_hop)[b"x-forwarded-for"].split(b", ")[-1] == peer.encode()
    assert dict(next_hop)[b"forwarded"].rpartition(b"for=")[2].startswith((peer.encode(), b'"[' + peer.encode()))
