"""When a client is told its home."""

from __future__ import annotations

import pytest

from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.lanes import Lane
from gateway.proxy.session.cookie import SessionCookies
from gateway.proxy.session.home_cookie import HomeCookie


def told(*, new_home: bool, renews: bool, session: str | None = "mine", home: str | None = "gpu-1") -> str | None:
    """The home that the client is told, when gpu-2 serves it."""
    cookies = SessionCookies(["k" * 32], pool="sd", name="sd", ttl=1800, new_id=lambda: "new")
    ticket = Ticket(Lane.COUNTED, session=session, home=home)
    ticket.new_home = new_home
    cookie = HomeCookie(ticket, cookies, renews=renews, secure=False).cookie("gpu-2")
    if cookie is None:
        return None
    claim = cookies.read([(b"cookie", cookie.partition(b";")[0])], 0, lambda _: True).claim
    assert claim is not None
    return cookies.home_of(claim, ["gpu-1", "gpu-2"])


@pytest.mark.parametrize(
    ("new_home", "renews", "home"),
    [(False, False, None), (True, False, "gpu-1"), (True, True, "gpu-1"), (False, True, "gpu-1")],
)
def test_a_spill_is_told_its_home(new_home: bool, renews: bool, home: str | None) -> None:
    assert told(new_home=new_home, renews=renews) == home


def test_without_a_session_there_is_no_home() -> None:
    assert told(new_home=True, renews=True, session=None) is None


def test_a_home_that_is_not_known_is_the_one_that_serves() -> None:
    assert told(new_home=False, renews=True, home=None) == "gpu-2"
