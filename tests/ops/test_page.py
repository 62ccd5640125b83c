"""The page and the policy it comes with."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from gateway.ops.page import HTML, content_policy


@pytest.mark.parametrize("element", ["style", "script"])
def test_the_policy_allows_exactly_what_is_on_the_page(element: str) -> None:
    (text,) = re.findall(f"<{element}>(.*?)</{element}>", HTML, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    assert f"{element}-src 'sha256-{digest}'" in content_policy()


def test_nothing_on_the_page_comes_from_elsewhere_or_from_the_root() -> None:
    assert re.findall(r"(?:href|src)=\"([^\"]+)\"", HTML) == ["api/snapshot", "metrics", "healthz", "readyz"]
    assert "//" not in HTML
