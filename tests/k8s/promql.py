"""Which series a query asks for, by Prometheus's own grammar."""

from __future__ import annotations

from typing import NamedTuple

import promql_parser


class Selected(NamedTuple):
    """One selector of a query."""

    name: str
    labels: frozenset[str]  # that it selects by


def selected_by(query: str) -> list[Selected]:
    """Raises ValueError for what is no query."""
    found: list[Selected] = []

    def look(expression: promql_parser.Expr) -> bool:
        if isinstance(expression, promql_parser.VectorSelector):
            labels = frozenset(matcher.name for matcher in expression.matchers.matchers)
            found.append(Selected(expression.name or "", labels))
        return True

    promql_parser.walk(promql_parser.parse(query), look)
    return found
