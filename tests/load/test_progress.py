"""What is shown of a run that goes on."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from gateway.load.pods import PodView
from gateway.load.progress import PlainLines, RunProgress, display_on

_BEGUN = RunProgress(asked=50, done=7, bad=1, under_way=5, elapsed=1.0)
_PODS = PodView(waiting=3, in_flight=2, ready=2, starting=1)


def test_the_figures() -> None:
    assert _BEGUN.figures == "errors 1  under way 5"
    assert replace(_BEGUN, pods=_PODS).figures == "errors 1  waiting 3  in flight 2  pods 2 (+1 starting)"
    assert replace(_BEGUN, pods=replace(_PODS, starting=0)).figures == "errors 1  waiting 3  in flight 2  pods 2"


def test_plain_lines_come_now_and_then_and_at_the_end() -> None:
    lines: list[str] = []
    display = PlainLines(lines.append)
    for elapsed in (0.0, 1.9, 2.1, 3.9, 4.2):
        display(replace(_BEGUN, elapsed=elapsed))
    display(replace(_BEGUN, elapsed=4.3, done=50, under_way=0, over=True))
    assert lines == [
        "   2.1 s  done 7/50  errors 1  under way 5\n",
        "   4.2 s  done 7/50  errors 1  under way 5\n",
        "   4.3 s  done 50/50  errors 1  under way 0\n",
    ]


def test_no_terminal_gets_plain_lines() -> None:
    output = io.StringIO()
    with display_on(Console(file=output), asked=50) as display:
        display(replace(_BEGUN, over=True))
    assert output.getvalue() == "   1.0 s  done 7/50  errors 1  under way 5\n"


def test_a_terminal_gets_a_live_line() -> None:
    output = io.StringIO()
    console = Console(file=output, force_terminal=True, width=100, color_system=None)
    with display_on(console, asked=50) as display:
        display(replace(_BEGUN, pods=_PODS))
    assert "7/50" in output.getvalue()
    assert "errors 1  waiting 3  in flight 2  pods 2 (+1 starting)" in output.getvalue()
