"""How a run that goes on is shown: a live line on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from gateway.load.pods import PodView

#: Seconds between two plain lines: often enough to see it live, seldom enough to keep a log readable.
_EVERY = 2.0


@dataclass(frozen=True, slots=True)
class Tally:
    """Where a run is."""

    asked: int
    done: int
    bad: int  # of those done: failed, or answered with anything but a 2xx
    under_way: int
    elapsed: float  # seconds
    pods: PodView | None = None
    over: bool = False  # nothing will follow

    @property
    def figures(self) -> str:
        """Everything but the count of those done."""
        if self.pods is None:
            return f"errors {self.bad}  under way {self.under_way}"
        starting = f" (+{self.pods.starting} starting)" if self.pods.starting else ""
        return (
            f"errors {self.bad}  waiting {self.pods.waiting}  in flight {self.pods.in_flight}"
            f"  pods {self.pods.ready}{starting}"
        )


class Display(Protocol):
    """Shows a run. Called several times a second, and once when it has ended."""

    def __call__(self, tally: Tally) -> None:
        """Show it, or not, as is fit."""


class PlainLines:
    """A line of text every few seconds, and one at the end."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._next = _EVERY

    def __call__(self, tally: Tally) -> None:
        """Write a line if it is time for one."""
        if tally.elapsed < self._next and not tally.over:
            return
        self._next = tally.elapsed + _EVERY
        self._write(f"{tally.elapsed:6.1f} s  done {tally.done}/{tally.asked}  {tally.figures}\n")


@contextlib.contextmanager
def display_on(console: Console, asked: int) -> Iterator[Display]:
    """The fitting display for this console. The live one is gone from the screen afterwards."""
    if not console.is_terminal:
        yield PlainLines(console.file.write)
        return
    columns = (
        TextColumn("done"),
        MofNCompleteColumn(),
        BarColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as live:
        line = live.add_task("", total=asked)
        yield lambda tally: live.update(line, completed=tally.done, description=tally.figures)
