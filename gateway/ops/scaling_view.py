"""The figures for external scalers, as numbers under stable names: KEDA's `metrics-api` reads them by a path such as
`pools.stable-diffusion.demand`. Pure. An unknown figure is left out, never shown as 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

from gateway.ops.plain_json import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.views.snapshot import PoolView

Figures: TypeAlias = dict[str, int | float]


def scaling_of(views: Iterable[PoolView], scalers: Mapping[str, object]) -> dict[str, Figures]:
    """By pool: its current figures, and every number of its own scaler's view, if it has one (`desired`, averages).

    `scalers`: as for the snapshot. Raises TypeError for a scaler's view that holds anything but plain values.
    """
    return {view.name: {**_numbers(scalers.get(view.name)), **_here(view)} for view in views}


def _here(view: PoolView) -> Figures:
    return {
        "demand": view.demand,
        "waiting": view.line.waiting,
        "in_flight": view.in_flight,
        "quarantined": view.quarantined,
        "ready": sum(backend.state == "ready" for backend in view.backends),
    }


def _numbers(scaler: object) -> Figures:
    members = plain(scaler)
    if not isinstance(members, Mapping):
        return {}
    return {name: value for name, value in members.items() if _is_number(value)}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
