"""Records of ended requests, as the endpoint would fill them in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.core.views.record import RequestRecord

_SERVED = RequestRecord(
    request_id="5f0c8ad2",
    client="198.51.100.7",
    method="POST",
    target=b"/sdapi/v1/txt2img",
    host="sd.example.com",
    pool="sd",
    lane=Lane.COUNTED,
    session="9b1d2c",
    key="alice",
    backend="gpu-0",
    turns=1,
    waited=0.5,
    service=12.25,
    place=2,
    receipt="counted; gpu-0 busy; gpu-0 became free",
    status=200,
    bytes_in=25,
    bytes_out=1_000_000,
    ending=Ending.SERVED,
    started_at=100.0,
    ended_at=112.75,
)

_UNROUTED = RequestRecord(
    request_id="77aa",
    client="203.0.113.9",
    method="GET",
    target=b"/",
    host="nobody.example.com",
    status=404,
    ending=Ending.NO_ROUTE,
)


def served(**changed: Any) -> RequestRecord:
    """A counted request that waited half a second for gpu-0 and was answered whole."""
    return replace(_SERVED, **changed)


def unrouted(**changed: Any) -> RequestRecord:
    """A request for a host that no pool serves."""
    return replace(_UNROUTED, **changed)
