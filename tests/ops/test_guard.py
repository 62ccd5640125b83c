"""Who may change something."""

from __future__ import annotations

import pytest

from gateway.ops.guard import is_allowed

HEADER = {"x-requested-with": "curl"}


def test_a_program_needs_the_one_header() -> None:
    assert is_allowed(HEADER)
    assert not is_allowed({})
    assert not is_allowed({"origin": "http://localhost:9090"})


@pytest.mark.parametrize("origin", ["http://localhost:9090", "http://127.0.0.1:9090", "http://[::1]:9090"])
def test_a_page_at_an_address_may(origin: str) -> None:
    assert is_allowed({**HEADER, "origin": origin})


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
    assert not is_allowed({**HEADER, "origin": origin})
