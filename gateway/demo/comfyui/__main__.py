"""A stand-in for ComfyUI, for trying out the gateway where there is no GPU:

    python -m gateway.demo.comfyui --port 8188 [--boot 2] [--work 1]

It says that it is a stand-in: in its first line, on its page, and in `X-Stand-In` on every answer. As the real one it
queues what it is sent, without bound; unlike it, it counts what came while it was at work. Its port opens when it has
booted, as there.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import TYPE_CHECKING

from starlette.datastructures import MutableHeaders

from gateway.demo.comfyui.api import ComfyApi
from gateway.demo.serving import say_what_it_is, serve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


class _Marked:
    """ASGI layer: every answer says what answers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Stand-In"] = "comfyui"
            await send(message)

        await self._app(scope, receive, send_marked)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal comes."""
    options = _parser().parse_args(arguments)
    say_what_it_is(f"ComfyUI stand-in (no GPU, no model): boots {options.boot:g} s, works {options.work:g} s a prompt")
    time.sleep(options.boot)  # the real one imports its custom nodes before it listens
    api = ComfyApi(options.work, assets=options.enable_assets)
    tasks: list[asyncio.Task[None]] = []  # a task that nobody holds may be collected
    serve(
        _Marked(api.application()),
        options.host,
        options.port,
        greeting="To see the GUI go to:",
        opened=lambda: tasks.append(asyncio.get_running_loop().create_task(api.worker.run())),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway.demo.comfyui", description="A stand-in for ComfyUI.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, required=True, help="port to listen on; 0: any, told in a line")
    parser.add_argument(
        "--boot", type=float, default=2.0, metavar="SECONDS", help="to the open port (default: %(default)g)"
    )
    parser.add_argument(
        "--work", type=float, default=1.0, metavar="SECONDS", help="for each prompt (default: %(default)g)"
    )
    parser.add_argument("--enable-assets", action="store_true", help="as the real one has it")
    return parser


if __name__ == "__main__":
    main()
