"""The waiting page as text."""

from __future__ import annotations

import base64
import hashlib
import re

from gateway.proxy.answers.waiting_page_text import AUTO, POLICY, fill, is_template


def test_nothing_said_becomes_markup() -> None:
    page = fill(AUTO, heading="", state="<b>", expected="$follow & co", progress=None, request_id='"4a"').decode()
    assert "&lt;b&gt;" in page
    assert "$follow &amp; co" in page
    assert "Request &quot;4a&quot;" in page


def test_it_goes_on_by_itself_with_scripts_and_without() -> None:
    page = fill(AUTO, heading="", state="", expected="", progress=None, request_id="").decode()
    assert '<noscript><meta http-equiv="refresh" content="5"></noscript>' in page
    (script,) = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{allowed}'" in POLICY.decode()


def test_a_page_of_ones_own_keeps_its_dollars() -> None:
    own = "<head>$follow</head><p>$state ${expected} $(jQuery) `${name}` costs 5 $</p>"
    assert is_template(own)
    page = fill(own, heading="", state="One.", expected="Two.", progress=0.5, request_id="").decode()
    assert "<p>One. Two. $(jQuery) `${name}` costs 5 $</p>" in page
    assert "$follow" not in page
    assert not is_template("<head></head>")


def test_the_bar_shows_from_the_first_moment_how_far_the_start_is() -> None:
    known = fill(AUTO, heading="", state="", expected="", progress=0.25, request_id="").decode()
    assert '<progress data-start="progress" max="1" value="0.25"' in known
    assert 'max="1" aria-label' in fill(AUTO, heading="", state="", expected="", progress=None, request_id="").decode()
