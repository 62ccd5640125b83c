"""Answers that name files which the pod has: those that it was sent, those that a job made. They begin no job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Bytes of an answer to an upload: some hundred files.
_ANSWER = 64 * 1024


class NamedFiles:
    """A dialogue of such a route. `named`: the files in an answer, which was JSON, of so many bytes at most."""

    def __init__(self, named: Callable[[Any], Iterable[str]], longest: int = _ANSWER) -> None:
        self._named = named
        self._longest = longest

    def begun(self, answered: object) -> None:
        """Nothing."""

    def ear(self, keys: tuple[str, ...]) -> NamedFilesEar:
        """For one answer."""
        return NamedFilesEar(self._named, self._longest)


class NamedFilesEar:
    """Hears one answer."""

    wanted = False

    def __init__(self, named: Callable[[Any], Iterable[str]], longest: int) -> None:
        self._named = named
        self._longest = longest
        self._answer = bytearray()

    def heard(self, piece: bytes) -> list[str]:
        """Its files, with the last piece."""
        self._answer += piece[: self._longest - len(self._answer)]
        if not self._answer.rstrip().endswith((b"]", b"}")):
            return []
        try:
            return list(self._named(json.loads(self._answer)))
        except (ValueError, RecursionError):
            return []
