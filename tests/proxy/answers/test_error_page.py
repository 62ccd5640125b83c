"""The page for people."""

from __future__ import annotations

from gateway.proxy.answers.error_page import page


def test_it_loads_itself_again_when_that_helps() -> None:
    assert b'<meta http-equiv="refresh" content="42">' in page("The line is full", "Try again.", 42, "4a")
    assert b"refresh" not in page("Not allowed", "No.", None, "4a")


def test_nothing_said_becomes_markup() -> None:
    text = page("<b>", '<script>alert("$title")</script>', None, "<i>").decode()
    assert "&lt;script&gt;alert(&quot;$title&quot;)&lt;/script&gt;" in text
    assert "<b>" not in text
    assert "<i>" not in text
