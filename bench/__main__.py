"""`python -m bench`: measures the gateway beside its peers, and prints tables. See session.py for what it does."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop

from bench.report import Report, as_json, render_facts, render_table, render_troubles
from bench.session import MEASUREMENTS, circumstances, measure, peers_here

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.peers import Peer


def main() -> int:
    """The exit code: 0 if everything was measured, 1 if not, 130 if it was interrupted."""
    options = _parser().parse_args()
    peers = peers_here()
    report = Report(circumstances(peers, quick=options.quick))
    print(render_facts(report), flush=True)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_measure(options, peers, report))
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    finally:
        print(render_troubles(report), end="")
        if options.json is not None:
            options.json.write_text(json.dumps(as_json(report), indent=2) + "\n")
    return 1 if report.troubles else 0


async def _measure(options: argparse.Namespace, peers: Mapping[Peer, str], report: Report) -> None:
    """SIGTERM ends it as Ctrl-C does: in good order, with every child gone."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await measure(
        options.only, peers, report, lambda table: print(render_table(table), flush=True), quick=options.quick
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures the gateway beside its peers.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter runs: about three minutes, and rough")
    parser.add_argument(
        "--only", type=_numbers, default=list(MEASUREMENTS), metavar="1,3", help="these measurements alone"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every run's figures there, too")
    return parser


def _numbers(text: str) -> list[int]:
    known = {str(number): number for number in MEASUREMENTS}
    try:
        return [known[part.strip()] for part in text.split(",")]
    except KeyError as error:
        raise argparse.ArgumentTypeError(
            f"there is no measurement {error.args[0]}; there are {', '.join(known)}"
        ) from None


if __name__ == "__main__":
    sys.exit(main())
