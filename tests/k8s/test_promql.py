"""Queries are read as Prometheus reads them."""

from __future__ import annotations

import pytest

from tests.k8s.promql import Selected, selected_by


def test_all_selectors_however_deep() -> None:
    query = (
        'sum by (a) (rate(up{job="x"}[5m])) / on (pool) down > 3 or label_replace(cold{pool=~"."}, "b", "$1", "c", ".")'
    )
    assert selected_by(query) == [
        Selected("up", frozenset({"job"})),
        Selected("down", frozenset()),
        Selected("cold", frozenset({"pool"})),
    ]


def test_what_is_no_query() -> None:
    with pytest.raises(ValueError, match="parenthesis"):
        selected_by("sum(up")
