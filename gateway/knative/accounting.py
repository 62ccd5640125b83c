"""Chooses which requests the gateway reports to Knative's autoscaler, and which the queue-proxies report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from gateway.core.scaling.report import Accounting

if TYPE_CHECKING:
    from gateway.knative.precedence import Sourced

#: The target-burst-capacity at which nobody scrapes the queue-proxies (pkg/reconciler/autoscaling/kpa/kpa.go).
ALWAYS_IN_PATH = -1


@dataclass(frozen=True, slots=True)
class AccountingChoice:
    """The accounting in force, and what is wrong with the one that was asked for."""

    accounting: Accounting
    problem: str | None = None


def choose_accounting(wish: Literal["auto", "waiting", "proxied"], capacity: Sourced[float]) -> AccountingChoice:
    """`capacity`: the target-burst-capacity that Knative's autoscaler goes by.

    `waiting` beside -1 would leave requests in flight uncounted, and busy pods would be taken away: then it is
    `proxied`, with a problem that names both.
    """
    if capacity.value != ALWAYS_IN_PATH:
        return AccountingChoice(Accounting.PROXIED if wish == "proxied" else Accounting.WAITING)
    problem = (
        f"backends.knative.accounting: found waiting, expected auto or proxied beside target-burst-capacity -1 "
        f"({capacity.origin.value}): nobody scrapes the pods then"
    )
    return AccountingChoice(Accounting.PROXIED, problem if wish == "waiting" else None)
