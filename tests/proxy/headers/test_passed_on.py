"""What of a message's headers is passed on, both ways."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.proxy.headers import cookie_header as cookies
from gateway.proxy.headers.forwarded import Header, TrustedProxies
from gateway.proxy.headers.passed_on import answer_headers, hint_headers, request_headers

INGRESS = "10.0.0.7"
VISITOR = "203.0.113.9"
PROXIES = TrustedProxies(["10.0.0.0/8"])
OF_ONE_HOP = [
    (b"connection", b"keep-alive"),
    (b"http2-settings", b"AAMAAABkAAQAoAAAAAIAAAAA"),
    (b"keep-alive", b"timeout=5"),
    (b"proxy-authenticate", b"Basic"),
    (b"proxy-authorization", b"Basic eDp5"),
    (b"proxy-connection", b"keep-alive"),
    (b"te", b"trailers"),
    (b"trailer", b"expires"),
    (b"transfer-encoding", b"chunked"),
    (b"upgrade", b"h2c"),
]
TWINS = bytes.maketrans(b"_.", b"--")
WRITTEN_ANEW = {b"host", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"x-request-id"}


def to_backend(headers: list[Header], peer: str = VISITOR) -> list[Header]:
    """What the backend gets of `headers`, all of it."""
    host = [] if any(name == b"host" for name, _ in headers) else [(b"host", b"sd.example.com")]
    origin = PROXIES.origin([*host, *headers], peer, "http")
    return request_headers([*host, *headers], origin, request_id=b"4a", session_cookie=b"sd", dropped=[])


def passed_on(headers: list[Header], peer: str = VISITOR) -> list[Header]:
    """The same without what the gateway writes anew."""
    return [header for header in to_backend(headers, peer) if header[0] not in WRITTEN_ANEW]


def to_client(headers: list[Header], set_cookie: bytes | None = None, ours: tuple[Header, ...] = ()) -> list[Header]:
    return answer_headers(headers, session_cookie=b"sd", set_cookie=set_cookie, ours=ours)


def test_ordinary_headers_pass_in_order_and_repeated() -> None:
    ordinary = [(b"accept", b"*/*"), (b"x-custom", b"\xff 1"), (b"accept", b"a"), (b"x-custom", b"2")]
    assert to_backend(ordinary) == [
        (b"host", b"sd.example.com"),
        *ordinary,
        (b"x-forwarded-for", b"203.0.113.9"),
        (b"x-forwarded-proto", b"http"),
        (b"forwarded", b"for=203.0.113.9;host=sd.example.com;proto=http"),
        (b"x-forwarded-host", b"sd.example.com"),
        (b"x-request-id", b"4a"),
    ]


def test_headers_of_one_hop_framing_and_expect_stay_here() -> None:
    assert passed_on([*OF_ONE_HOP, (b"content-length", b"5"), (b"expect", b"100-continue")]) == []
    assert to_client(OF_ONE_HOP) == []


def test_what_connection_names_stays_here() -> None:
    named = [(b"connection", b"close, X-One"), (b"connection", b"x-two"), (b"x-one", b"1"), (b"x-two", b"2")]
    assert passed_on([*named, (b"x-three", b"3")]) == [(b"x-three", b"3")]
    assert to_client([(b"Connection", b"X-One"), (b"X-One", b"1"), (b"X-Three", b"3")]) == [(b"x-three", b"3")]


@pytest.mark.parametrize(
    "name", [b"cookie", b"authorization", b"cache-control", b"content-type", b"k-original-host", b"x-real-ip"]
)
def test_connection_cannot_take_away_what_others_decide_by(name: bytes) -> None:
    assert passed_on([(b"connection", name), (name, b"v")], peer=INGRESS) == [(name, b"v")]


def test_connection_cannot_take_away_what_the_gateway_tells() -> None:
    named = b"host, x-forwarded-for, x-forwarded-proto, x-forwarded-host, forwarded, x-request-id"
    assert {name for name, _ in to_backend([(b"connection", named)])} == WRITTEN_ANEW


def test_the_host_passes_as_received() -> None:
    headers = [(b"host", b"SD.example.com:8080"), (b"x-forwarded-host", b"pictures.example.com")]
    told = dict(to_backend(headers, peer=INGRESS))
    assert (told[b"host"], told[b"x-forwarded-host"]) == (b"SD.example.com:8080", b"pictures.example.com")


def test_a_request_without_a_host_gets_an_empty_one() -> None:
    origin = PROXIES.origin([], VISITOR, "http")
    assert request_headers([], origin, request_id=b"4a", session_cookie=b"sd", dropped=[])[0] == (b"host", b"")


@pytest.mark.parametrize("peer", [VISITOR, INGRESS])
@pytest.mark.parametrize(
    "name",
    [
        b"x_forwarded_for",
        b"x_forwarded-proto",
        b"x.forwarded.host",
        b"x_forwarded_prefix",
        b"x_real_ip",
        b"x_request_id",
        b"k_original_host",
        b"k_kubelet_probe",
        b"knative_serving_revision",
        b"content_length",
        b"transfer_encoding",
        b"proxy_authorization",
        b"x!forwarded!for",
    ],
)
def test_twins_of_what_the_gateway_writes_or_withholds_are_dropped(name: bytes, peer: str) -> None:
    assert passed_on([(name, b"1")], peer) == []


def test_other_names_with_underscores_and_dots_pass() -> None:
    headers = [(b"session_id", b"1"), (b"x.y", b"2"), (b"api_key", b"3"), (b"user_agent", b"4")]
    assert passed_on(headers) == headers


def test_what_the_gateway_tells_of_a_request_no_backend_tells() -> None:
    told = [(b"X-Queue-Position", b"7"), (b"x-queue-wait", b"1"), (b"X-Backend", b"me"), (b"x-queues", b"1")]
    assert to_client(told) == [(b"x-queues", b"1")]
    assert to_client(told, ours=((b"x-queue-position", b"1"),)) == [(b"x-queues", b"1"), (b"x-queue-position", b"1")]


def test_only_trusted_peers_speak_as_proxies() -> None:
    spoken = [
        (b"k-original-host", b"sd.example.com"),
        (b"x-forwarded-prefix", b"/sd"),
        (b"x-real-ip", b"1.2.3.4"),
    ]
    assert passed_on(spoken) == []
    assert passed_on(spoken, peer=INGRESS) == spoken


@pytest.mark.parametrize("peer", [VISITOR, INGRESS])
@pytest.mark.parametrize(
    "name",
    [
        b"k-kubelet-probe",
        b"k-network-probe",
        b"k-network-hash",
        b"k-proxy-request",
        b"k-passthrough-lb",
        b"k-original-hosts",
        b"knative-serving-revision",
        b"knative-serving-namespace",
        b"knative-direct-lb",
    ],
)
def test_nobody_speaks_knative_to_a_pod_but_the_gateway(name: bytes, peer: str) -> None:
    assert passed_on([(name, b"activator")], peer) == []


def test_the_session_cookie_stays_here_and_the_others_pass() -> None:
    headers = [(b"cookie", b"a=1; sd=secret; b=2"), (b"cookie", b"sd=secret"), (b"cookie", b"c=3;d=4")]
    assert passed_on(headers) == [(b"cookie", b"a=1; b=2"), (b"cookie", b"c=3;d=4")]


def test_a_backends_own_cookie_of_our_name_is_dropped() -> None:
    headers = [(b"Set-Cookie", b"sd=evil; Path=/"), (b"Set-Cookie", b"a=1"), (b"set-cookie", b" sd =x")]
    assert to_client(headers) == [(b"set-cookie", b"a=1")]


def test_our_cookie_makes_an_answer_private() -> None:
    assert to_client([(b"cache-control", b"max-age=60")], set_cookie=b"sd=v") == [
        (b"cache-control", b"max-age=60"),
        (b"cache-control", b"private"),
        (b"set-cookie", b"sd=v"),
    ]


@pytest.mark.parametrize("said", [b"private", b"max-age=1, Private", b"no-store"])
def test_an_answer_that_is_private_already_is_left_alone(said: bytes) -> None:
    assert to_client([(b"cache-control", said)], set_cookie=b"sd=v") == [
        (b"cache-control", said),
        (b"set-cookie", b"sd=v"),
    ]


def test_private_for_one_field_is_not_private() -> None:
    said = b'private="x-user"'
    assert (b"cache-control", b"private") in to_client([(b"cache-control", said)], set_cookie=b"sd=v")


def test_without_our_cookie_caching_is_the_backends_business() -> None:
    assert to_client([(b"cache-control", b"public")]) == [(b"cache-control", b"public")]


def test_the_length_is_kept_once() -> None:
    assert to_client([(b"Content-Length", b"5"), (b"content-length", b"5")]) == [(b"content-length", b"5")]


def test_our_headers_replace_the_backends_but_server_timing_is_a_list() -> None:
    ours = ((b"x-request-id", b"4a"), (b"server-timing", b"queue;dur=1"), (b"connection", b"close"))
    theirs = [(b"X-Request-Id", b"99"), (b"Server-Timing", b"gpu;dur=9"), (b"Connection", b"keep-alive")]
    assert to_client(theirs, ours=ours) == [(b"server-timing", b"gpu;dur=9"), *ours]


_NAME = st.one_of(
    st.sampled_from([name for name, _ in OF_ONE_HOP]),
    st.sampled_from([b"cookie", b"host", b"x-forwarded-for", b"forwarded", b"k-x", b"x_y", b"x-y", b"x-z", b"accept"]),
    st.binary(min_size=1, max_size=8).map(bytes.lower),
)
_VALUE = st.one_of(st.binary(max_size=20), st.sampled_from([b"sd=1; a=2", b"sd", b"x-y, cookie", b"keep-alive, X-Z"]))
_HEADERS = st.lists(st.tuples(_NAME, _VALUE), max_size=10)


def _named(headers: list[Header]) -> set[bytes]:
    return {token.strip().lower() for name, value in headers if name == b"connection" for token in value.split(b",")}


@settings(deadline=None)
@given(_HEADERS, st.sampled_from([INGRESS, VISITOR]))
def test_whatever_comes_the_backend_gets_only_what_it_should(headers: list[Header], peer: str) -> None:
    sent = to_backend(headers, peer)
    names = [name for name, _ in sent]
    assert not set(names) & {name for name, _ in OF_ONE_HOP}
    assert not set(names) & (_named(headers) & {b"x-y", b"x-z", b"accept"})
    assert all(not name.strip(b"-_.") or name.translate(None, b"-_.").isalnum() for name in names)
    assert not {name.translate(TWINS) for name in names if name.translate(TWINS) != name} & WRITTEN_ANEW
    assert names.count(b"x-request-id") == names.count(b"x-forwarded-for") == names.count(b"host") == 1
    assert list(cookies.values_of(b"sd", sent)) == []
    expected_cookies = [cookies.without(b"sd", value) for name, value in headers if name == b"cookie"]
    assert [value for name, value in sent if name == b"cookie"] == [value for value in expected_cookies if value]


@settings(deadline=None)
@given(_HEADERS)
def test_whatever_comes_the_client_gets_nothing_of_the_last_hop(headers: list[Header]) -> None:
    names = {name for name, _ in to_client([(name.title(), value) for name, value in headers])}
    assert not names & {name for name, _ in OF_ONE_HOP}
    assert not names & (_named(headers) & {b"x-y", b"x-z", b"accept"})


def test_of_hints_only_what_a_client_may_act_on_passes() -> None:
    link, policy = (b"link", b"</a.css>; rel=preload"), (b"content-security-policy", b"style-src: 'self'")
    said = [
        link,
        (b"set-cookie", b"a=b"),
        policy,
        (b"x-backend", b"me"),
        (b"connection", b"x"),
        (b"content-length", b"5"),
    ]
    assert hint_headers(said) == [link, policy]
    assert hint_headers([link, (b"connection", b"link")]) == []
