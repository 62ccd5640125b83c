"""Why a request failed, in words short and stable enough to be counted by."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def words(error: BaseException) -> str:
    """The kind of the error and what lies at its bottom: `ConnectError: Connection refused`."""
    reason = next(_system_reasons(error), None) or str(error)
    return f"{type(error).__name__}: {reason}" if reason else type(error).__name__


def _system_reasons(error: BaseException | None) -> Iterator[str]:
    """Of the operating system's errors behind this one: libraries wrap them until "All attempts failed" is left."""
    while error is not None:
        if isinstance(error, OSError) and error.errno is not None and error.errno > 0:  # below 0: of name look-ups
            yield os.strerror(error.errno)
        error = error.__cause__ or error.__context__
