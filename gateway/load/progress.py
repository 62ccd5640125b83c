"""The display of a run: a live line on a terminal, elsewhere a plain line every few seconds."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from gateway.load.pods import PodView

#: Seconds between two plain lines: often enough to follow, seldom enough for a log.
_EVERY = 2.0


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is."""

    asked: int
    done: int
    bad: int  # of those done: failed, or answered with anything but a 2xx
    under_way: int
    elapsed: float  # seconds
    pods: PodView | None = None
    over: bool = False  # the run has ended

    @property
    def figures(self) -> str:
        """The figures beside the number of requests that are done."""
        if self.pods is None:
            return f"errors {self.bad}  under way {self.under_way}"
        starting = f" (+{self.pods.starting} starting)" if self.pods.starting else ""
        return (
            f"errors {self.bad}  waiting {self.pods.waiting}  in flight {self.pods.in_flight}"
            f"  pods {self.pods.ready}{starting}"
        )


class Display(Protocol):
    """Shows a run. Called several times a second, and once at its end."""

    def __call__(self, progress: RunProgress) -> None:
        """Show `progress`, or leave it out."""


class PlainLines:
    """A line of text every few seconds, and one at the end."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._next = _EVERY

    def __call__(self, progress: RunProgress) -> None:
        """Write a line if one is due."""
        if progress.elapsed < self._next and not progress.over:
            return
        self._next = progress.elapsed + _EVERY
        self._write(f"{progress.elapsed:6.1f} s  done {progress.done}/{progress.asked}  {progress.figures}\n")


@contextlib.contextmanager
def display_on(console: Console, asked: int) -> Iterator[Display]:
    """The display for this console. The live line is removed from the screen afterwards."""
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
        yield lambda progress: live.update(line, completed=progress.done, description=progress.figures)
