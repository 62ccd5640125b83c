"""A real Gradio application, of whichever version it is run with: a page that paints pictures, a pod to the gateway.

    python studio.py --port 7861 [--work 1]

It would paint any number at once: it does not queue, it counts how often it was given a picture while it painted
another. It keeps a number for each page (`gr.State`) and its pictures in files of its own, so a page that is sent to
another copy is found out. With Gradio 3 it also has what the gateway's `a1111` asks a web UI.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import threading
import time
from typing import Any

_OWN_FILES = tempfile.TemporaryDirectory()  # no other pod sees them, as if it had a disk of its own
os.environ.update(
    GRADIO_ANALYTICS_ENABLED="False", HF_HUB_OFFLINE="1", NO_PROXY="127.0.0.1", GRADIO_TEMP_DIR=_OWN_FILES.name
)

import fastapi  # noqa: E402
import gradio as gr  # noqa: E402  (it reads its environment when it is imported)
import uvicorn  # noqa: E402
from PIL import Image  # noqa: E402
from starlette.responses import JSONResponse  # noqa: E402
from starlette.routing import Route  # noqa: E402

GRADIO = int(gr.__version__.split(".")[0])

#: What a progress bar shows: enough that a reader sees it move.
_STEPS = 10

#: As the web UI's own script does: the page's first datum is a task, by a name that the page makes up.
_NAME_TASK = "(task, ...rest) => ['task(' + Math.random().toString(36).slice(2) + ')', ...rest]"


#: As a default it tells Gradio to hand in one of the event's own.
_PROGRESS = gr.Progress()


class Studio:
    """What it paints, and how often it broke the rule."""

    def __init__(self, name: str, work: float) -> None:
        self._name = name
        self._work = work  # seconds a picture
        self._lock = threading.Lock()
        self._running: dict[str, float] = {}  # how much is done, by task
        self._ended: set[str] = set()
        self._served = self._two_at_once = 0

    def paint(self, task: str, prompt: str, sketch: Any, count: int, progress: Any = _PROGRESS) -> Any:
        """A picture in the colour of the sketch, if there is one, who painted it as which of this page's, and the
        page's new number."""
        task = task or f"unnamed {time.monotonic_ns()}"
        with self._lock:
            self._two_at_once += bool(self._running)
            self._running[task] = 0.0
        try:
            for step in range(_STEPS):
                progress(step / _STEPS, desc="Painting")
                self._running[task] = step / _STEPS
                time.sleep(self._work / _STEPS)
        finally:
            with self._lock:
                del self._running[task]
                self._ended.add(task)
                self._served += 1
        colour = tuple(prompt.encode()[:3].ljust(3)) if sketch is None else sketch.convert("RGB").getpixel((0, 0))
        return Image.new("RGB", (64, 64), colour), f"{prompt}: number {count + 1}, from {self._name}", count + 1

    def page(self) -> gr.Blocks:
        """It, with the one button that works."""
        with gr.Blocks(title="Studio") as page:
            kind: dict[str, Any] = {} if GRADIO == 3 else {"format": "png"}  # as Gradio 3 does
            task, count = gr.Textbox(visible=False), gr.State(0)
            prompt = gr.Textbox(label="Prompt", elem_id="prompt")
            sketch = gr.Image(label="Sketch", type="pil")
            button = gr.Button("Paint", elem_id="paint")
            told = gr.Textbox(label="Told", elem_id="told")
            picture = gr.Image(label="Picture", elem_id="picture", type="pil", **kind)
            own: dict[str, Any] = {"_js": _NAME_TASK} if GRADIO == 3 else {"js": _NAME_TASK, "concurrency_limit": None}
            button.click(self.paint, [task, prompt, sketch, count], [picture, told, count], api_name="paint", **own)
        return page

    # What it is asked beside its work

    async def stats(self, request: object) -> JSONResponse:
        """What it has counted."""
        return JSONResponse({"served": self._served, "two_at_once": self._two_at_once})

    async def progress(self, request: object) -> JSONResponse:
        """As the web UI's API: what runs, whoever's it is."""
        task, part = next(iter(dict(self._running).items()), ("", 0.0))
        state = {"job": task, "job_count": int(bool(task))}
        return JSONResponse({"progress": part, "eta_relative": 0.0, "state": state})

    async def task_progress(self, request: Any) -> JSONResponse:
        """As the web UI's page asks."""
        task = (await request.json())["id_task"]
        part = self._running.get(task)
        told = {"active": part is not None, "queued": False, "completed": task in self._ended, "progress": part}
        return JSONResponse({**told, "textinfo": None if part is not None else "Waiting..."})

    @property
    def routes(self) -> list[Route]:
        """Its own, before Gradio's."""
        own = [Route("/stand-in/stats", self.stats)]
        if GRADIO == 3:
            own.append(Route("/sdapi/v1/progress", self.progress))
            own.append(Route("/internal/progress", self.task_progress, methods=["POST"]))
        return own


def main() -> None:
    """Serve until a signal ends it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--work", type=float, default=1.0)
    parser.add_argument("--mount", help="serve it below that path of a FastAPI, as its documentation shows")
    options = parser.parse_args()
    studio = Studio(f"pod {options.port}", options.work)
    page = studio.page()
    own: dict[str, Any] = {"concurrency_count": 8} if GRADIO == 3 else {}
    page.queue(**own)
    if options.mount:
        outer = fastapi.FastAPI(routes=studio.routes)
        uvicorn.run(gr.mount_gradio_app(outer, page, path=options.mount), port=options.port, log_level="warning")
        return
    app, _, _ = page.launch(server_name="127.0.0.1", server_port=options.port, prevent_thread_lock=True, quiet=True)
    app.router.routes[:0] = studio.routes  # as the web UI does: when the port is open already
    print("ready", flush=True)
    page.block_thread()


if __name__ == "__main__":
    main()
