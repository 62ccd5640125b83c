"""What a profile says of a request and of its kind of backend: plain values. A profile knows; it sends nothing and
decides nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.ticket import Lane, WhenBusy


@dataclass(frozen=True, slots=True)
class Treatment:
    """How one request is to be handled."""

    lane: Lane
    when_busy: WhenBusy | None = None  # None: the pool's default
    repeatable: bool = False  # may be sent again if no byte of an answer came, though its method is not idempotent


def is_success(status: int, body: bytes) -> bool:
    """As Kubernetes reads an HTTP probe."""
    return 200 <= status < 400


@dataclass(frozen=True, slots=True)
class Readiness:
    """How to find out that a backend may be given work."""

    kind: Literal["tcp", "http"]
    path: str = "/"  # of an HTTP probe: a GET's target
    accepts: Callable[[int, bytes], bool] = is_success  # of its answer: status, body
    light: bool = False  # may be sent to a busy backend: it takes nothing from the work


@dataclass(frozen=True, slots=True)
class IdleProbe:
    """How to ask a backend, by a GET, whether it still works on something."""

    path: str
    says_idle: Callable[[int, bytes], bool]  # status, body; False when in doubt


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The request that makes a backend give up what it works on."""

    method: str
    path: str


@dataclass(frozen=True, slots=True)
class Profile:
    """Everything known of a kind of backend."""

    name: str
    treat: Callable[[str, bytes], Treatment]  # method, and the path's own bytes as sent, without the query
    readiness: Readiness
    idle: IdleProbe | None = None  # None: this kind cannot be asked
    interrupt: Interrupt | None = None
    counts_everything: bool = False  # but for what the configuration's own rules say
    works_on: bool = False  # the end of an event stream or a websocket does not end the work that it was about
