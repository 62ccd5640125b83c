"""What a bench says: tables of figures for people, and the same with each run's value as JSON. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.figures import Spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

#: A figure, a word, or None for what cannot be told.
Cell = Spread | str | None


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of each target."""

    title: str  # with its unit
    digits: int = 0  # after the point


@dataclass(frozen=True, slots=True)
class Table:
    """One measurement: its figures by target."""

    number: int  # in the list of measurements
    title: str
    columns: Sequence[Column]
    rows: Mapping[str, Sequence[Cell]]  # by target, a cell for each column
    notes: Sequence[str] = ()  # what a reader has to know besides: who is left out, and why


@dataclass(slots=True)
class Report:
    """Everything that was measured, and what could not be."""

    circumstances: dict[str, str]
    tables: list[Table] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)


def render_facts(report: Report) -> str:
    """What stands above the tables."""
    return _text(f"{name}: {value}" for name, value in report.circumstances.items())


def render_table(table: Table) -> str:
    """One measurement, for people."""
    lines = [["", *(column.title for column in table.columns)]]
    for target, cells in table.rows.items():
        lines.append([target, *(_cell(cell, column) for cell, column in zip(cells, table.columns, strict=True))])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return _text(
        (
            f"{table.number}. {table.title}",
            *(_aligned(line, widths) for line in lines),
            *(f"  {note}" for note in table.notes),
        )
    )


def render_troubles(report: Report) -> str:
    """What stands below them: nothing, if all went well."""
    return _text(("Could not be done:", *(f"  {trouble}" for trouble in report.troubles))) if report.troubles else ""


def as_json(report: Report) -> dict[str, Any]:
    """Of each figure the value of every run."""
    return {
        "circumstances": report.circumstances,
        "measurements": [
            {
                "number": table.number,
                "title": table.title,
                "targets": {
                    target: {column.title: _plain(cell) for column, cell in zip(table.columns, cells, strict=True)}
                    for target, cells in table.rows.items()
                },
                "notes": list(table.notes),
            }
            for table in report.tables
        ],
        "troubles": report.troubles,
    }


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    return "  " + "   ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)).rstrip()


def _cell(cell: Cell, column: Column) -> str:
    if isinstance(cell, Spread):
        median, least, most = (f"{value:,.{column.digits}f}" for value in (cell.median, cell.least, cell.most))
        return median if least == most else f"{median} ({least}-{most})"
    return "-" if cell is None else cell


def _plain(cell: Cell) -> object:
    if isinstance(cell, Spread):
        return {"median": cell.median, "runs": list(cell.values)}
    return cell
