"""Probes that find what the test wrote down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from gateway.probing.probes import Finding, ProbeResult

if TYPE_CHECKING:
    from collections.abc import Callable

_LETTERS = {"p": Finding.PASS, "f": Finding.FAIL, "r": Finding.REFUSED}


class ScriptedProbe:
    """Finds what its script says, letter by letter: p(ass), f(ail), r(efused); then the last one for ever."""

    def __init__(self, script: str, *, light: bool = True, meanwhile: Callable[[], None] = lambda: None) -> None:
        self.light = light
        self.asked_at: list[float] = []
        self._script = script
        self._meanwhile = meanwhile

    async def __call__(self, address: str) -> ProbeResult:
        """The next letter; `meanwhile` happens between the question and the answer."""
        letter = self._script[min(len(self.asked_at), len(self._script) - 1)]
        self.asked_at.append(round(anyio.current_time(), 3))
        self._meanwhile()
        finding = _LETTERS[letter]
        return ProbeResult(finding, "" if finding is Finding.PASS else finding.value)
