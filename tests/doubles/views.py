"""Pools as the core would show them: plain views with quiet defaults, so that a test names only what it is about."""

from __future__ import annotations

from typing import Any

from gateway.core.records.counts import Counts
from gateway.core.views.snapshot import BackendView, LineView, PoolView

_LINE = LineView(
    waiting=0,
    waiting_exempt=0,
    uploading=0,
    limit=1000,
    bytes_held=0,
    bytes_limit=1 << 30,
    oldest=None,
    expected_wait=None,
)

_BACKEND = BackendView(
    name="gpu-0",
    identity="uid-0",
    address="127.0.0.1:7860",
    state="ready",
    limit=1,
    in_flight=0,
    exempt=0,
    quarantined=0,
    waiting=0,
    sessions=0,
    served=0,
    idle=0.0,
    suspect_for=None,
)

_POOL = PoolView(
    name="sd",
    cold=False,
    stopping=False,
    demand=0,
    free=1,
    slots=1,
    in_flight=0,
    quarantined=0,
    line=_LINE,
    backends=(_BACKEND,),
    sessions_live=0,
    sessions=(),
    service_median=None,
    cold_start_median=None,
    start_failures=0,
    next_start_in=None,
    watched=False,
    counts=Counts(),
)


def pool_view(name: str = "sd", **changed: Any) -> PoolView:
    """A pool with one idle backend and nobody in line."""
    return _POOL._replace(name=name, **changed)


def line_view(**changed: Any) -> LineView:
    """An empty line."""
    return _LINE._replace(**changed)


def backend_view(name: str = "gpu-0", **changed: Any) -> BackendView:
    """A ready, idle backend with one slot."""
    return _BACKEND._replace(**{"name": name, "identity": f"uid-{name}", **changed})
