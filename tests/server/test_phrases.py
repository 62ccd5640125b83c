"""How a status is called."""

from __future__ import annotations

import pytest

from gateway.server.phrases import phrase


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (200, "OK"),
        (413, "Content Too Large"),
        (414, "URI Too Long"),
        (431, "Request Header Fields Too Large"),
        (299, ""),
    ],
)
def test_as_rfc_9110_has_it(status: int, expected: str) -> None:
    assert phrase(status) == expected
