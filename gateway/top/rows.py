"""What stands in the tables: a snapshot's pool as rows, sorted and filtered. Pure. Nothing that is told becomes a
control sequence of the terminal: request ids may be a client's own.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.top.port import Backend, Pool

Value = str | float | None


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


class Tables(enum.Enum):
    """From top to bottom."""

    PODS = Table(
        "Pods",
        ("pod", "state", "at work", "exempt", "quarantined", "waiting", "sessions", "served", "idle"),
        lambda pool: [_pod(backend) for backend in pool.backends],
    )
    LINE = Table(
        "Line",
        ("place", "request", "lane", "age", "only for", "why"),
        lambda pool: [
            Row(ticket.label, (float(place), ticket.label, ticket.lane, ticket.age, ticket.bound_to, ticket.why))
            for place, ticket in enumerate(pool.line.tickets, 1)
        ],
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


def _pod(backend: Backend) -> Row:
    work = f"{backend.in_flight}/{backend.limit}" if backend.limit else str(backend.in_flight)
    counts = (backend.exempt, backend.quarantined, backend.waiting, backend.sessions, backend.served)
    return Row(backend.identity, (backend.name, backend.state, work, *map(float, counts), backend.idle))


def _comparable(value: Value) -> tuple[float, str]:
    return (0.0, value) if isinstance(value, str) else (value or 0.0, "")
