"""Pages that may use what programs may, and pages that may not."""

from __future__ import annotations

import pytest

from gateway.proxy.errors import ForeignOrigin
from gateway.proxy.headers.forwarded import Origin, TrustedProxies
from gateway.proxy.headers.same_site import check_page, may_come_from

ALLOWED = frozenset({b"https://ui.example", b"http://localhost:3000"})


def asked_for(host: bytes, *told: tuple[bytes, bytes], peer: str = "10.0.0.1") -> Origin:
    return TrustedProxies(["10.0.0.1"]).origin([(b"host", host), *told], peer, "http")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (b"sd.example", None),
        (b"sd.example", b"https://sd.example"),
        (b"sd.example", b"http://sd.example"),
        (b"SD.example", b"https://sd.EXAMPLE"),
        (b"sd.example:8080", b"http://sd.example:8080"),
        (b"sd.example:80", b"http://sd.example"),
        (b"sd.example", b"https://sd.example:443"),
        (b"[::1]:8080", b"http://[::1]:8080"),
        (b"sd.example", b"https://sd.example:8443"),  # nginx's $host
        (b"[::1]", b"http://[::1]:8080"),
        (b"sd.example", b"https://ui.example"),
        (b"sd.example", b"HTTP://LOCALHOST:3000"),
    ],
)
def test_pages_that_may(host: bytes, origin: bytes | None) -> None:
    check_page([(b"origin", origin)] if origin else [], asked_for(host), ALLOWED)


@pytest.mark.parametrize(
    ("host", "origins"),
    [
        (b"sd.example", [b"https://evil.example"]),
        (b"sd.example", [b"https://sd.example.evil.example"]),
        (b"sd.example", [b"https://evil.example/sd.example"]),
        (b"sd.example", [b"https://sd.example@evil.example"]),
        (b"sd.example:8080", [b"http://sd.example"]),
        (b"sd.example", [b"sd.example"]),
        (b"sd.example", [b"null"]),
        (b"sd.example", [b"capacitor://sd.example"]),
        (b"sd.example:8080", [b"http://sd.example:8081"]),
        (b"sd.example", [b""]),
        (b"sd.example", [b"http://ui.example"]),
        (b"sd.example", [b"https://sd.example", b"https://evil.example"]),
        (b"", [b"https://"]),
    ],
)
def test_pages_that_may_not(host: bytes, origins: list[bytes]) -> None:
    with pytest.raises(ForeignOrigin):
        check_page([(b"origin", origin) for origin in origins], asked_for(host), ALLOWED)


@pytest.mark.parametrize(
    ("told", "peer", "may"),
    [
        (b"8443", "10.0.0.1", True),
        (b"8443, 80", "10.0.0.1", True),
        (b"443", "10.0.0.1", False),
        (b"8443", "192.0.2.1", False),
    ],
)
def test_a_trusted_proxy_says_which_port_was_asked_for(told: bytes, peer: str, may: bool) -> None:
    asked = asked_for(b"sd.example:80", (b"x-forwarded-port", told), peer=peer)
    assert may_come_from(b"https://sd.example:8443", asked, ()) is may


@pytest.mark.parametrize("origin", [b"null", b"file://", b"Capacitor://localhost", b"chrome-extension://abc"])
def test_pages_that_came_by_no_http_may_if_they_are_listed(origin: bytes) -> None:
    asked = asked_for(b"sd.example")
    assert not may_come_from(origin, asked, ALLOWED)
    assert may_come_from(origin, asked, {origin.lower()})
    assert may_come_from(origin, asked, {b"*"})
