"""Whoever warns says what to do."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parent.parent / "gateway"
LEVELS = {"warning", "error", "exception"}


def warnings_in(source: str) -> Iterator[ast.Call]:
    """Calls of a logger's methods, also of one that is chosen on the spot."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call):
            method = call.func.orelse if isinstance(call.func, ast.IfExp) else call.func
            if isinstance(method, ast.Attribute) and method.attr in LEVELS and "log" in ast.unparse(method.value):
                yield call


def says_what_to_do(call: ast.Call) -> bool:
    return any(keyword.arg == "do" for keyword in call.keywords)


def test_every_warning_says_what_to_do() -> None:
    """Stand-ins are nobody's to mend."""
    sources = [path for path in PACKAGE.rglob("*.py") if "demo" not in path.parts]
    found = {f"{path}:{call.lineno}": call for path in sources for call in warnings_in(path.read_text())}

    assert len(found) > 20
    assert [where for where, call in found.items() if not says_what_to_do(call)] == []


def test_one_that_does_not_is_seen() -> None:
    [silent, chosen, telling] = warnings_in(
        "log.warning('a')\n(log.info if x else self._log.warning)('b')\nlog.error('c', do='mend it')\ntask.exception()"
    )
    assert [says_what_to_do(call) for call in (silent, chosen, telling)] == [False, False, True]
