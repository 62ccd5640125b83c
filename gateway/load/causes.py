"""The cause of a failed request, short and stable, so that failures can be counted by it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def cause_of(error: BaseException) -> str:
    """The error's class and the system's message behind it: `ConnectError: Connection refused`."""
    reason = next(_system_reasons(error), None) or str(error)
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__


def _system_reasons(error: BaseException | None) -> Iterator[str]:
    """The messages of the system's errors behind this one, which libraries wrap in errors of their own."""
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None and error.errno > 0:  # below 0: of name look-ups
            yield os.strerror(error.errno)
        error = error.__cause__ or error.__context__
