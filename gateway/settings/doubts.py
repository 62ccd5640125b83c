"""Warnings of `gateway check`: settings that work, and perhaps not as they are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane
from gateway.profiles.registry import profile
from gateway.profiles.rules import parse_match
from gateway.settings.checks import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings.model import PoolSettings, Settings


def doubts(settings: Settings) -> Iterator[Finding]:
    """The warnings, pool by pool."""
    for name, pool in settings.pools.items():
        knative = pool.backends.knative
        if knative is not None and knative.exempt_via == "queue" and _has_uncounted(pool):
            yield Finding(
                ("pools", name, "backends", "knative", "exempt_via"),
                "user-port, or kubelet-probe where that cannot be reached: through the queue-proxy's queue, what takes "
                "no slot here waits behind what does (polls behind pictures), and holds pods up",
            )
        for index, rule in enumerate(pool.rules):
            _, pattern = parse_match(rule.match)
            if prefix := next((each for each in pool.path_prefix if _is_below(each.rstrip("/"), pattern)), None):
                yield Finding(
                    ("pools", name, "rules", index, "match"),
                    f"the path behind path_prefix {prefix}: that is what rules are matched with",
                )
        if knative is not None and pool.autoscaling.model_fields_set:
            yield Finding(
                ("pools", name, "autoscaling"),
                "annotations of the Service: Knative's autoscaler scales its pods, and does not hear of this",
            )


def _is_below(prefix: str, pattern: str) -> bool:
    return prefix != "" and f"{pattern}/".startswith(prefix + "/")


def _has_uncounted(pool: PoolSettings) -> bool:
    uncounted = any(rule.lane in (Lane.EXEMPT, Lane.PASSIVE) for rule in pool.rules)
    return uncounted or not profile(pool.profile).counts_everything
