"""Models for the operators' page: what is loaded where, and who waits for what. In the order of the rows of
`page_summary.py`, and absent for a pool that does not look at models; each name stands once, however many pods have it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.core.models.models import Model
    from gateway.core.pool import Pool
    from gateway.core.records.backends_and_tickets import Backend, Ticket

#: Characters of a name that are shown: clients may make names up, and a frame has room for hundreds.
NAME_SHOWN = 100
#: Of these, how many are its end's.
_END = NAME_SHOWN // 3


class ModelSummary(NamedTuple):
    """The models of a pool that looks at them. `pods` and `line` are indexes into `names`; None: unknown or nothing
    loaded, and any model will do."""

    names: list[str]
    pods: list[int | None]  # what each has loaded
    line: list[int | None]  # what each needs
    switches: int  # turns for which another one had to be loaded than was there


def model_summary_of(pool: Pool, pods: Iterable[Backend], line: Iterable[Ticket]) -> ModelSummary | None:
    """The models of these backends and tickets. None: the pool does not look at models. O(what is shown)."""
    if not pool.looks_at_models:
        return None
    places: dict[str, int] = {}

    def place(model: Model) -> int | None:
        return None if model is None else places.setdefault(shortened(model, NAME_SHOWN, _END), len(places))

    loaded, needed = [place(backend.model) for backend in pods], [place(pool.model_needed(ticket)) for ticket in line]
    return ModelSummary(list(places), loaded, needed, pool.counts.model_switches)


def shortened(name: str, length: int, end: int) -> str:
    """A model's name in at most `length` characters, the last `end` of them its own: versions and precisions
    stand there."""
    return name if len(name) <= length else f"{name[: length - end - 1]}…{name[-end:]}"
