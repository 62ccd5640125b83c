from __future__ import annotations

import pytest

from gateway.upstream.errors import BadAnswer, BrokeBeforeHead, CutShort, NotSent, UpstreamError, WrongLength


@pytest.mark.parametrize("kind", [NotSent, BrokeBeforeHead, BadAnswer, CutShort, WrongLength])
def test_each_is_an_upstream_error_and_says_where_and_what(kind: type[UpstreamError]) -> None:
    assert str(kind("10.0.0.7:7860", "connection refused")) == "10.0.0.7:7860: connection refused"
