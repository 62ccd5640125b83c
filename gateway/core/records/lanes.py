"""Words for what a request asks for: its lane, what it does while its home is busy, and the model that it needs."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Lane(enum.Enum):
    """The cost of a request."""

    COUNTED = "counted"  # takes a slot, wakes pods
    EXEMPT = "exempt"  # no slot, wakes pods
    PASSIVE = "passive"  # no slot, never wakes, never counts as activity
    DENIED = "denied"


class WhenBusy(enum.Enum):
    """A session's request may wait for its busy home, or spill."""

    WAIT = "wait"
    SPILL = "spill"


@dataclass(frozen=True, slots=True)
class ModelNeed:
    """The model that a job needs loaded, and the one that it leaves."""

    model: str | None  # None: the backend's own, which it loads again if another one is there
    stays: bool = False  # it is the backend's own from then on
