"""Log files of processes, one each. The number of old ones is bounded, however many starts there are."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

#: How much of a file's end is looked at for its last lines.
_TAIL_BYTES = 64 * 1024

#: Characters of a line that serve as evidence.
_LINE = 300

#: Marks the line that names a failure: exceptions of Python are called so.
_FAILURE = re.compile("Error|Exception")


class LogFiles:
    """The log files in one directory, which nobody else writes to. Their names are NAME.NUMBER.log; numbers go
    on where an earlier gateway stopped, so that no file is overwritten."""

    def __init__(self, directory: Path, keep: int) -> None:
        self._directory = directory
        self._keep = keep

    def create(self, name: str, in_use: Iterable[Path]) -> Path:
        """Make an empty file and remove the oldest that are neither in use nor among the `keep` newest.

        Raises OSError if the directory cannot be made or written to.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        old = sorted(self._directory.glob("*.*.log"), key=_number)
        path = self._directory / f"{name}.{_number(old[-1]) + 1 if old else 1}.log"
        path.touch(exist_ok=False)
        for surplus in set(old[: max(0, len(old) - self._keep)]) - set(in_use):
            surplus.unlink(missing_ok=True)
        return path


def evidence_in(path: Path) -> str:
    """The last line that names an error or an exception; if none does, the last that says something; else "".

    Programs go on printing after what killed them: a thread that was loading a model still says when it is done.
    """
    lines = last_lines(path)
    failures = [line for line in lines if _FAILURE.search(line)]
    return next(iter(failures[-1:] or lines[-1:]), "")


def last_lines(path: Path) -> list[str]:
    """The lines at the end of the file that say something, shortened and without control characters."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
        text = file.read().decode(errors="replace")
    lines = (_printable(line) for line in text.splitlines())
    return [line for line in lines if line]


def _printable(line: str) -> str:
    return "".join(c if c.isprintable() else " " for c in line).strip()[:_LINE]


def _number(path: Path) -> int:
    number = path.name.split(".")[-2]
    return int(number) if number.isdigit() else 0
