"""Uploads: the answer names the files that the pod has from then on. They begin no job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Bytes of an answer: some hundred files.
_ANSWER = 64 * 1024


class Uploads:
    """A dialogue of such a route. `named`: the files in an answer, which was JSON."""

    def __init__(self, named: Callable[[Any], Iterable[str]]) -> None:
        self._named = named

    def begun(self, answered: object) -> None:
        """Nothing."""

    def ear(self, keys: tuple[str, ...]) -> UploadEar:
        """For one answer."""
        return UploadEar(self._named)


class UploadEar:
    """Hears one answer."""

    wanted = False

    def __init__(self, named: Callable[[Any], Iterable[str]]) -> None:
        self._named = named
        self._answer = bytearray()

    def heard(self, piece: bytes) -> list[str]:
        """Its files, with the last piece."""
        self._answer += piece[: _ANSWER - len(self._answer)]
        if not self._answer.rstrip().endswith((b"]", b"}")):
            return []
        try:
            return list(self._named(json.loads(self._answer)))
        except (ValueError, RecursionError):
            return []
