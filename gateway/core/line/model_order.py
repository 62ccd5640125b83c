"""Switches a pool between a line that is served in order of arrival and one in which models matter."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from gateway.core.keyed_heap import KeyedHeap
from gateway.core.models.affinity import ModelAffinity

if TYPE_CHECKING:
    from gateway.core.backends.availability import Availability
    from gateway.core.line.line import Line
    from gateway.core.records.counts import Counts


def look_at_models(switch_cost: float, availability: Availability, line: Line, counts: Counts) -> None:
    """From here on waiting for a backend that has the model is worth `switch_cost` seconds; 0: models do not matter.
    Windows of waiting tickets are forgotten, and the caller brings the orders of `availability` up to date."""
    models = ModelAffinity(switch_cost, counts) if switch_cost > 0 else None
    tickets = list(line.shared)
    line.models = models
    availability.ready = KeyedHeap() if models is None else models.ready
    availability.free = KeyedHeap() if models is None else models.free
    line.shared = KeyedHeap() if models is None else models.shared
    for backend in availability.backends.values() if models is None else ():
        backend.forget_model()
    for ticket in line.counted.members():
        ticket.window_until = math.inf
    for ticket in tickets:
        line.shared.put(ticket, ticket.number)
