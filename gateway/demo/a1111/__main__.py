"""A stand-in for AUTOMATIC1111's web UI, for trying out the gateway where there is no GPU:

    python -m gateway.demo.a1111 --port 7860 [--boot 2] [--work 1] [--queue]

It says that it is a stand-in: in its first line, on its page, and in `X-Stand-In` on every answer. The real one queues;
this one does so with --queue, and else answers 500 when a second request comes while it works: it detects what must not
happen. Either way it counts it.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from gateway.demo.a1111.api import A1111Api
from gateway.demo.a1111.boot import Boot, Stages, StandIn
from gateway.demo.gpu import Gpu
from gateway.demo.serving import say_what_it_is, serve

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal comes."""
    options = _parser().parse_args(arguments)
    say_what_it_is(f"A1111 stand-in (no GPU, no model): boots {options.boot:g} s, works {options.work:g} s a request")
    stages = Stages(options.fragile, options.registering, min(options.unbuilt, options.boot))
    boot = Boot(options.boot, options.die_after_boot, stages)
    api = A1111Api(Gpu(queues=options.queue), options.work).application()
    app = StandIn(api, boot, nowebui=options.nowebui, api_auth=options.api_auth)
    if options.nowebui:
        time.sleep(options.boot)
    opened = boot.finish if options.nowebui else boot.begin
    serve(app, options.host, options.port, greeting="Running on local URL:", opened=opened)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway.demo.a1111", description="A stand-in for A1111's web UI.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0: any, told in a line")
    parser.add_argument(
        "--boot",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="from the open port to the API (default: %(default)g)",
    )
    parser.add_argument(
        "--work",
        type=float,
        default=1.0,
        metavar="SECONDS",
        help="for each request that works, whatever steps and size it asks for (default: %(default)g)",
    )
    parser.add_argument(
        "--fragile",
        type=float,
        default=Stages.fragile,
        metavar="SECONDS",
        help="from the open port on: so long an HTTP request ends the process, as it does the real one "
        "(default: %(default)g)",
    )
    parser.add_argument(
        "--registering",
        type=float,
        default=Stages.registering,
        metavar="SECONDS",
        help="before --unbuilt: so long the progress is the one route of the API (default: %(default)g)",
    )
    parser.add_argument(
        "--unbuilt",
        type=float,
        default=Stages.unbuilt,
        metavar="SECONDS",
        help="at the end of the boot: so long the routes are there and painting answers 500 (default: %(default)g)",
    )
    parser.add_argument("--nowebui", action="store_true", help="build all, then listen; no page and no /internal")
    parser.add_argument("--api-auth", metavar="USER:PASSWORD", help="what the API asks for")
    parser.add_argument("--queue", action="store_true", help="let a second request wait behind a lock, as the real one")
    parser.add_argument(
        "--die-after-boot", type=int, metavar="CODE", help="end with this exit code where the boot would be over"
    )
    return parser


if __name__ == "__main__":
    main()
