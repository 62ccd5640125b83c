"""The tables of `gateway top`: a snapshot's pool as rows, sorted and filtered. Pure. No string of a snapshot becomes a
control sequence of the terminal: request ids may be a client's own.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from gateway.core.views.model_summary import shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.top.port import Backend, Pool, Ticket

Cell = TypeVar("Cell")
Value = str | float | None

#: The heading of the column of models, loaded or needed.
MODEL = "model"
#: Characters of a model's name, so that the figures fit into 80 columns.
MODEL_SHOWN = 20


class Row(NamedTuple):
    """One row. `key` names its subject as an order does: a backend's identity, or a request's id."""

    key: str
    values: tuple[Value, ...]

    @property
    def cells(self) -> tuple[str, ...]:
        """The values as they are shown."""
        return tuple(map(shown, self.values))


@dataclass(frozen=True, slots=True)
class Table:
    """A table's title, its columns, and how its rows are made."""

    title: str
    columns: tuple[str, ...]
    rows: Callable[[Pool], list[Row]]
    model_at: int | None = None  # where the model's column stands, in pools that look at models

    def columns_of(self, pool: Pool) -> tuple[str, ...]:
        """The headings for the rows of `pool`."""
        return self.columns if self.model_at is None else _with_model(pool, self.model_at, self.columns, MODEL)


@dataclass(frozen=True, slots=True)
class TableView:
    """The sorting and the filter of a table. `column` None: in the snapshot's order."""

    column: int | None = None
    reverse: bool = False
    word: str = ""

    def of(self, rows: Iterable[Row]) -> list[Row]:
        """The rows with `word` in a cell, sorted; rows without a value in the column come last in either direction."""
        word = self.word.casefold()
        found = [row for row in rows if any(word in cell.casefold() for cell in row.cells)]
        column = self.column
        if column is None:
            return found[::-1] if self.reverse else found
        known = [row for row in found if row.values[column] is not None]
        known.sort(key=lambda row: _comparable(row.values[column]), reverse=self.reverse)
        return known + [row for row in found if row.values[column] is None]

    def sorted_by_next(self, columns: int) -> TableView:
        """The same view sorted by the next column; after the last column, by none."""
        after = 0 if self.column is None else self.column + 1
        return TableView(after if after < columns else None, self.reverse, self.word)


#: Where the model's column stands.
_OF_PODS, _OF_LINE = 2, 5


class Tables(enum.Enum):
    """The tables from top to bottom."""

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
    """A value as text: numbers from 10 on without decimals, "" for None, no control characters."""
    if value is None:
        return ""
    if isinstance(value, str):
        return "".join(character if character.isprintable() else "�" for character in value)
    return f"{value:.0f}" if value >= 10 or value == int(value) else f"{value:.1f}"


def fitting(name: str) -> str:
    """A model's name, without its middle if it is long."""
    return shortened(name, MODEL_SHOWN, MODEL_SHOWN // 2)


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
