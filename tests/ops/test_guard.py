"""Who may change something."""

from __future__ import annotations

import pytest

from gateway.ops.guard import Guard

GUARD = Guard(["Gateway.example."])
HEADER = {"x-requested-with": "curl"}


def test_a_program_needs_the_one_header() -> None:
    assert GUARD.is_allowed(HEADER)
    assert not GUARD.is_allowed({})
    assert not GUARD.is_allowed({"origin": "http://localhost:9090"})


@pytest.mark.parametrize("origin", ["http://localhost:9090", "http://127.0.0.1:9090", "http://[::1]:9090"])
def test_a_page_at_an_address_may(origin: str) -> None:
    assert GUARD.is_allowed({**HEADER, "origin": origin})


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example:9090",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "null",
        "",
        "http://[",
    ],
)
def test_a_page_at_a_name_may_not(origin: str) -> None:
    assert not GUARD.is_allowed({**HEADER, "origin": origin})


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:9090", "127.0.0.1", "10.0.0.7:9090", "[::1]:9090", "gateway.example:9090"]
)
def test_the_port_knows_its_own_names(host: str) -> None:
    assert GUARD.knows(host)


@pytest.mark.parametrize("host", ["rebound.example:9090", "127.0.0.1.example", "localhost.example", ""])
def test_it_knows_no_other(host: str) -> None:
    assert not GUARD.knows(host)


def test_every_address_is_not_every_host() -> None:
    assert not Guard(["::"]).knows("")


def test_a_page_at_one_of_its_names_may_order() -> None:
    assert GUARD.is_allowed({**HEADER, "origin": "https://gateway.example"})
