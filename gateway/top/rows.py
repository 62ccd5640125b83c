"""What stands in the tables: a snapshot's pool as rows, sorted and filtered. Pure. Nothing that is told becomes a
control sequence of the terminal: request ids may be a client's own.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.top.port import Backend, Pool, Ticket

Cell = TypeVar("Cell")
Value = str | float | None

#: The heading of what is loaded, or needed.
MODEL = "model"
#: Characters of a model's name: on 80 columns there is to be room for the figures that matter.
MODEL_SHOWN = 20


class Row(NamedTuple):
    """`key` names what it is about, as an order does: a backend's identity, a request's id."""

    key: str
    values: tuple[Value, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """As they are shown."""
        return tuple(map(shown, self.values))


@dataclass(frozen=True, slots=True)
class Table:
    """One of the three."""

    title: str
    columns: tuple[str, ...]
    rows: Callable[[Pool], list[Row]]
    model_at: int | None = None  # where pools that look at models have one more column

    def columns_of(self, pool: Pool) -> tuple[str, ...]:
        """As many as its rows have values."""
        return self.columns if self.model_at is None else _with_model(pool, self.model_at, self.columns, MODEL)


@dataclass(frozen=True, slots=True)
class Look:
    """How a table is looked at. `column` None: in the snapshot's order."""

    column: int | None = None
    reverse: bool = False
    word: str = ""

    def of(self, rows: Iterable[Row]) -> list[Row]:
        """The rows that have the word in a cell, in order; what is not known comes last, either way round."""
        word = self.word.casefold()
        found = [row for row in rows if any(word in cell.casefold() for cell in row.cells)]
        column = self.column
        if column is None:
            return found[::-1] if self.reverse else found
        known = [row for row in found if row.values[column] is not None]
        known.sort(key=lambda row: _comparable(row.values[column]), reverse=self.reverse)
        return known + [row for row in found if row.values[column] is None]

    def by_next(self, columns: int) -> Look:
        """Sorted by the next column; after the last one, by none."""
        after = 0 if self.column is None else self.column + 1
        return Look(after if after < columns else None, self.reverse, self.word)


#: Where the model's column is.
_OF_PODS, _OF_LINE = 2, 5


class Tables(enum.Enum):
    """From top to bottom."""

    PODS = Table(
        "Pods",
        ("pod", "state", "at work", "exempt", "quarantined", "waiting", "sessions", "served", "idle"),
        lambda pool: [_pod(pool, backend) for backend in pool.backends],
        _OF_PODS,
    )
    LINE = Table(
        "Line",
        ("place", "request", "lane", "age", "only for", "why"),
        lambda pool: [_place(pool, place, ticket) for place, ticket in enumerate(pool.line.tickets, 1)],
        _OF_LINE,
    )
    SESSIONS = Table(
        "Sessions",
        ("session", "home", "idle"),
        lambda pool: [Row(session.id_hash, (session.id_hash, session.home, session.idle)) for session in pool.sessions],
    )


def shown(value: Value) -> str:
    """Seconds and counts without what nobody reads; unknown is nothing."""
    if value is None:
        return ""
    if isinstance(value, str):
        return "".join(character if character.isprintable() else "�" for character in value)
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def fitting(name: str) -> str:
    """A model's name, without its middle if it is long: versions and precisions stand at the end."""
    half = MODEL_SHOWN // 2
    return name if len(name) <= MODEL_SHOWN else f"{name[: MODEL_SHOWN - half - 1]}…{name[-half:]}"


def _pod(pool: Pool, backend: Backend) -> Row:
    work = f"{backend.in_flight}/{backend.limit}" if backend.limit else str(backend.in_flight)
    counts = (backend.exempt, backend.quarantined, backend.waiting, backend.sessions, backend.served)
    values: tuple[Value, ...] = (backend.name, backend.state, work, *map(float, counts), backend.idle)
    return Row(backend.identity, _with_model(pool, _OF_PODS, values, backend.model))


def _place(pool: Pool, place: int, ticket: Ticket) -> Row:
    values: tuple[Value, ...] = (float(place), ticket.label, ticket.lane, ticket.age, ticket.bound_to, ticket.why)
    return Row(ticket.label, _with_model(pool, _OF_LINE, values, ticket.model))


def _with_model(pool: Pool, at: int, cells: tuple[Cell, ...], model: Cell) -> tuple[Cell, ...]:
    return (*cells[:at], model, *cells[at:]) if pool.looks_at_models else cells


def _comparable(value: Value) -> tuple[float, str]:
    return (0.0, value) if isinstance(value, str) else (value or 0.0, "")
