"""What is known of a backend of which nothing is known."""

from __future__ import annotations

from gateway.core.records.lanes import Lane
from gateway.profiles.generic import generic
from gateway.profiles.rules import rule


def test_everything_counts_but_what_is_configured() -> None:
    profile = generic([rule("GET /health", Lane.PASSIVE)])
    assert profile.treat("GET", b"/").lane is Lane.COUNTED
    assert profile.treat("GET", b"/health").lane is Lane.PASSIVE


def test_any_method_counts() -> None:
    assert {generic().treat(method, b"/dav").lane for method in ("PROPFIND", "MKCOL", "LOCK")} == {Lane.COUNTED}


def test_it_is_ready_when_its_port_is_open_and_cannot_be_asked_more() -> None:
    profile = generic()
    assert profile.readiness.kind == "tcp"
    assert profile.idle is None
    assert profile.interrupt is None
