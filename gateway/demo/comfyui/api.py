"""The routes of the ComfyUI stand-in, each below /api, too; those that newer servers have (read in server.py of 0.38.1)
below /api alone. `POST /prompt` answers at once and the worker does the rest; everything else answers beside it.
"""

from __future__ import annotations

import contextlib
import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from gateway.demo.comfyui.assets import Assets
from gateway.demo.comfyui.forms import sent_file
from gateway.demo.comfyui.jobs import Prompt, Worker
from gateway.demo.comfyui.sockets import Sockets

if TYPE_CHECKING:
    from starlette.requests import Request

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>ComfyUI stand-in</title>
<h1>This is a stand-in for ComfyUI</h1>
<p>It has no GPU and no model. It takes graphs at <code>POST /prompt</code>, tells of them on <code>/ws</code>, and
paints bands of colour for each node that saves a picture. <a href="stand-in/stats">What it has counted</a></p></html>
"""

_OBJECTS = {
    "CheckpointLoaderSimple": {"input": {"required": {"ckpt_name": [["stand-in.safetensors"]]}}, "output": ["MODEL"]},
    "KSampler": {"input": {"required": {"model": ["MODEL"], "seed": ["INT"]}}, "output": ["LATENT"]},
    "SaveImage": {"input": {"required": {"images": ["IMAGE"]}}, "output": [], "output_node": True},
}


class ComfyApi:
    """One server and its worker, which runs as long as the application does."""

    def __init__(self, seconds: float, *, assets: bool = False) -> None:
        self._sockets = Sockets(lambda: self.worker.remaining, lambda client: self.worker.node_of(client))
        self.worker = Worker(self._sockets, seconds)
        self._assets = Assets(self.worker.files, enabled=assets)
        self._numbers = 0
        self._started_at = time.time()

    def application(self) -> Starlette:
        """The routes as an ASGI application."""
        return Starlette(routes=[*self._newer(), *self._below(""), *self._below("/api")])

    def _newer(self) -> list[BaseRoute]:
        return [
            Route("/api/jobs/cancel", self.cancel_listed, methods=["POST"]),
            Route("/api/jobs/{prompt_id}", self.job, methods=["GET"]),
            Route("/api/jobs/{prompt_id}/cancel", self.cancel, methods=["POST"]),
            *self._assets.routes(),
        ]

    def _below(self, prefix: str) -> list[BaseRoute]:
        get = {
            "/prompt": self.remaining,
            "/queue": self.queue,
            "/history": self.history,
            "/history/{prompt_id}": self.history,
            "/view": self.view,
            "/object_info": self.object_info,
            "/object_info/{name}": self.object_info,
            "/system_stats": self.system_stats,
            "/stand-in/stats": self.stats,
        }
        post = {
            "/prompt": self.submit,
            "/queue": self.unqueue,
            "/interrupt": self.interrupt,
            "/free": self.free,
            "/upload/image": self.upload,
        }
        return [
            *(Route(prefix + path, handler, methods=["GET"]) for path, handler in get.items()),
            *(Route(prefix + path, handler, methods=["POST"]) for path, handler in post.items()),
            WebSocketRoute(f"{prefix}/ws", self._sockets.serve),
            *([] if prefix else [Route("/", _page, methods=["GET"])]),
        ]

    async def submit(self, request: Request) -> Response:
        """A graph into the queue, if it has a node that keeps something."""
        fields = await _fields(request)
        graph = fields.get("prompt")
        if not isinstance(graph, dict):
            return _refused("no_prompt", "No prompt provided")
        if not all(isinstance(node, dict) for node in graph.values()):
            return _refused("invalid_prompt", "Cannot execute because a node is missing the class_type property.")
        prompt = Prompt(self._number(fields), str(fields.get("prompt_id") or uuid.uuid4()), graph)
        if not prompt.outputs:
            return _refused("prompt_no_outputs", "Prompt has no outputs")
        client, extra = fields.get("client_id"), fields.get("extra_data")
        prompt.client = client if isinstance(client, str) else None
        prompt.extra = extra if isinstance(extra, dict) else {}
        self.worker.submit(prompt)
        return JSONResponse({"prompt_id": prompt.id, "number": prompt.number, "node_errors": {}})

    def _number(self, fields: dict[str, Any]) -> float:
        self._numbers += 1
        given = fields.get("number")
        if isinstance(given, int | float):
            return float(given)
        return -self._numbers if fields.get("front") else self._numbers

    async def remaining(self, request: Request) -> Response:
        """How many prompts run and wait."""
        return JSONResponse({"exec_info": {"queue_remaining": self.worker.remaining}})

    async def queue(self, request: Request) -> Response:
        """Which."""
        running = self.worker.running
        pending = [prompt.row() for prompt in sorted(self.worker.pending)]
        return JSONResponse({"queue_running": [running.row()] if running else [], "queue_pending": pending})

    async def unqueue(self, request: Request) -> Response:
        """Forget all that wait, or some; whosever they are."""
        fields = await _fields(request)
        if fields.get("clear"):
            self.worker.clear()
        if isinstance(unwanted := fields.get("delete"), list):
            self.worker.delete(lambda prompt: prompt.id in unwanted)
        return Response()

    async def interrupt(self, request: Request) -> Response:
        """End the running prompt, whosever it is; with a prompt_id, only that one."""
        named = (await _fields(request)).get("prompt_id")
        self.worker.interrupt(named if isinstance(named, str) else None)
        return Response()

    async def cancel(self, request: Request) -> Response:
        """End or forget one prompt, whosever it is; one that is over is left alone."""
        return JSONResponse({"cancelled": self.worker.cancel(request.path_params["prompt_id"])})

    async def cancel_listed(self, request: Request) -> Response:
        """The same for several; one that is no id spoils them all."""
        listed = (await _fields(request)).get("job_ids")
        if not isinstance(listed, list):
            return JSONResponse({"error": "job_ids must be a list"}, 400)
        if wrong := [each for each in listed if not _is_id(each)]:
            return JSONResponse({"error": "job_ids contains invalid id(s)", "invalid_ids": wrong}, 400)
        cancelled = [self.worker.cancel(each) for each in listed]
        return JSONResponse({"cancelled": any(cancelled)})

    async def history(self, request: Request) -> Response:
        """What is done. A prompt that waits is not there, nor is one that never was."""
        history, wanted = self.worker.history, request.path_params.get("prompt_id")
        return JSONResponse({name: done for name, done in history.items() if wanted in (None, name)})

    async def job(self, request: Request) -> Response:
        """One prompt, in whatever state."""
        name = request.path_params["prompt_id"]
        if (state := self._state(name)) is None:
            return JSONResponse({"error": "Job not found"}, 404)
        return JSONResponse({"id": name, "status": state})

    def _state(self, name: str) -> str | None:
        if self.worker.running is not None and self.worker.running.id == name:
            return "in_progress"
        if any(prompt.id == name for prompt in self.worker.pending):
            return "pending"
        done: Any = self.worker.history.get(name)
        return None if done is None else "completed" if done["status"]["completed"] else "cancelled"

    async def view(self, request: Request) -> Response:
        """A picture that this server has painted or was given."""
        picture = self.worker.files.get(request.query_params.get("filename", ""))
        return Response(status_code=404) if picture is None else Response(picture, media_type="image/png")

    async def upload(self, request: Request) -> Response:
        """A picture for later prompts: it is on this server alone."""
        if (sent := await sent_file(request)) is None:
            return Response(status_code=400)
        name, self.worker.files[sent[0]] = sent
        return JSONResponse({"name": name, "subfolder": "", "type": "input"})

    async def object_info(self, request: Request) -> Response:
        """The nodes that there are."""
        wanted = request.path_params.get("name")
        return JSONResponse({name: told for name, told in _OBJECTS.items() if wanted in (None, name)})

    async def system_stats(self, request: Request) -> Response:
        """What machine this is."""
        return JSONResponse({"system": {"os": "posix", "comfyui_version": "stand-in"}, "devices": []})

    async def free(self, request: Request) -> Response:
        """Nothing is loaded."""
        return Response()

    async def stats(self, request: Request) -> Response:
        """What only a stand-in tells: prompts done, and those that came while one was here already."""
        worker = self.worker
        counted = {"served": worker.served, "two_at_once": worker.two_at_once, "running": worker.running is not None}
        return JSONResponse(counted | {"started_at": self._started_at})


async def _page(request: Request) -> Response:
    return HTMLResponse(PAGE)


async def _fields(request: Request) -> dict[str, Any]:
    with contextlib.suppress(ValueError, RecursionError):
        read = json.loads(await request.body())
        if isinstance(read, dict):
            return read
    return {}


def _is_id(given: object) -> bool:
    """A UUID, spelled as everybody does."""
    with contextlib.suppress(ValueError):
        return isinstance(given, str) and str(uuid.UUID(given)) == given
    return False


def _refused(kind: str, message: str) -> Response:
    error = {"type": kind, "message": message, "details": message, "extra_info": {}}
    return JSONResponse({"error": error, "node_errors": {}}, 400)
