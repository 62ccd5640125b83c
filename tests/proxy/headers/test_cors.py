"""What a page of another site may read, and ask for."""

from __future__ import annotations

import pytest

from gateway.proxy.headers.cors import EXPOSED, consent, granted, is_preflight

ALLOWED = frozenset({b"https://ui.example", b"null"})


@pytest.mark.parametrize("origin", [b"https://ui.example", b"https://UI.example", b"null"])
def test_a_listed_page_is_named_and_may_bring_its_cookies(origin: bytes) -> None:
    headers = dict(granted([(b"origin", origin)], ALLOWED))
    assert headers[b"access-control-allow-origin"] == origin
    assert (headers[b"access-control-allow-credentials"], headers[b"vary"]) == (b"true", b"Origin")
    assert b"Retry-After" in headers[b"access-control-expose-headers"]


@pytest.mark.parametrize("origins", [[], [b"https://evil.example"], [b"https://ui.example", b"https://evil.example"]])
def test_others_may_read_nothing(origins: list[bytes]) -> None:
    assert granted([(b"origin", origin) for origin in origins], ALLOWED) == ()


def test_every_page_may_read_without_cookies_where_every_site_is_listed() -> None:
    assert granted([(b"origin", b"https://evil.example")], {b"*"}) == ((b"access-control-allow-origin", b"*"), EXPOSED)
    assert granted([], {b"*"}) == ()


def test_what_a_preflight_is() -> None:
    asks = [(b"origin", b"null"), (b"access-control-request-method", b"POST")]
    assert is_preflight("OPTIONS", asks)
    assert not is_preflight("POST", asks)
    assert not any(is_preflight("OPTIONS", [only]) for only in asks)


def test_a_preflight_is_told_that_it_may_what_it_asks_for_and_nothing_else() -> None:
    asks = [
        (b"access-control-request-method", b"PUT"),
        (b"access-control-request-headers", b"content-type, x-key"),
    ]
    assert consent(asks, (EXPOSED,)) == [
        EXPOSED,
        (b"access-control-allow-methods", b"PUT"),
        (b"access-control-allow-headers", b"content-type, x-key"),
        (b"access-control-max-age", b"60"),
    ]
    assert len(consent([(b"access-control-request-headers", b"x: \xff")], ())) == 1
