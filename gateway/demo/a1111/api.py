"""The routes of the A1111 stand-in, on one pretended GPU. Opens no port; the shapes are in `answers`, what is asked in
`wish`, what the page's clicks do in `functions`.

The real handlers run on forty threads, and one that waits for the GPU holds a thread: where forty wait, nothing else
of the API answers.

As seen on Gradio 3.41.2, which serves the real page: each file below the server's directory is at `/file=NAME` and
`/file/NAME`, however the name is spelled (`./NAME`, absolute, with encoded slashes); `config.json` has all settings.
"""

from __future__ import annotations

import asyncio
import functools
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from gateway.demo.a1111 import answers
from gateway.demo.a1111.checkpoints import Checkpoints, name_of
from gateway.demo.a1111.events import EventError, Events
from gateway.demo.a1111.functions import CONFIG, Functions
from gateway.demo.a1111.gallery import Gallery
from gateway.demo.a1111.page import PAGE
from gateway.demo.a1111.replies import ERRORS, always, reply
from gateway.demo.a1111.scheduler import Scheduler
from gateway.demo.a1111.wish import Wish, read_fields
from gateway.demo.gpu import Gpu, Job

if TYPE_CHECKING:
    from starlette.requests import Request

#: anyio's default, which the real one leaves as it is.
_THREADS = 40


class A1111Api:
    """Every handler answers with what the real one would say of a server in this state."""

    def __init__(self, gpu: Gpu, work: float) -> None:
        self._gpu = gpu
        self._work = work  # seconds a request, whatever it asks for
        self._started_at = time.time()
        self._threads = asyncio.Semaphore(_THREADS)
        self._scheduler = Scheduler(self._work_on)
        self._checkpoints = Checkpoints()
        self._gallery = Gallery()
        self._functions = Functions(
            gpu, self._work_on, self._set_checkpoint, self._scheduler.enqueue, self._gallery.keep
        )
        self._events = Events(self._functions.call)

    def application(self) -> Starlette:
        """The routes as an ASGI application."""
        return Starlette(routes=self._routes(), exception_handlers=ERRORS)

    def _routes(self) -> list[BaseRoute]:
        return [
            Route("/", _page, methods=["GET"]),
            Route("/config", always(CONFIG), methods=["GET"]),
            Route("/stand-in/stats", self.stats, methods=["GET"]),
            Route("/file={name:path}", self.file, methods=["GET"]),
            Route("/file/{name:path}", self.file, methods=["GET"]),
            Route("/robots.txt", always("User-agent: *\nDisallow: /"), methods=["GET"]),
            Route(
                "/controlnet/model_list", always({"model_list": []}), methods=["GET"]
            ),  # an extension's; Forge has it
            Route("/queue/status", self.queue_status, methods=["GET"]),
            Route("/run/predict", self.predict, methods=["POST"]),
            WebSocketRoute("/queue/join", self._events.join),
            *(self._threaded(route) for route in self._api()),
        ]

    def _threaded(self, route: Route) -> Route:
        """A handler of the API gets a thread when its request's body is here, and holds it to its end."""
        endpoint = route.endpoint

        async def on_a_thread(request: Request) -> Response:
            await request.body()
            async with self._threads:
                answer: Response = await endpoint(request)
                return answer

        return Route(route.path, on_a_thread, methods=sorted(route.methods or ()))

    def _api(self) -> list[Route]:
        get, post = ["GET"], ["POST"]
        samplers = [{"name": "Euler", "aliases": ["k_euler"], "options": {}}]
        return [
            Route("/sdapi/v1/txt2img", self.txt2img, methods=post),
            Route("/sdapi/v1/img2img", self.img2img, methods=post),
            Route("/sdapi/v1/extra-single-image", self.extra_single_image, methods=post),
            Route("/sdapi/v1/extra-batch-images", self.extra_batch_images, methods=post),
            Route("/sdapi/v1/interrogate", self.interrogate, methods=post),
            Route("/sdapi/v1/progress", self.progress, methods=get),
            Route("/sdapi/v1/interrupt", self.interrupt, methods=post),
            Route("/sdapi/v1/skip", self.skip, methods=post),
            Route("/sdapi/v1/options", self.options, methods=get),
            Route("/sdapi/v1/options", self.set_options, methods=post),
            Route("/sdapi/v1/cmd-flags", always({"api": True, "listen": True, "nowebui": False}), methods=get),
            Route("/sdapi/v1/memory", always({"ram": {}, "cuda": {"error": "unavailable"}}), methods=get),
            Route("/sdapi/v1/sd-models", always(self._checkpoints.listed()), methods=get),
            Route("/sdapi/v1/samplers", always(samplers), methods=get),
            Route("/internal/progress", self.internal_progress, methods=post),
            Route("/internal/pending-tasks", always({"size": 0, "tasks": []}), methods=get),
            Route("/internal/ping", always({}), methods=get),
            Route("/agent-scheduler/v1/queue/txt2img", self.enqueue, methods=post),
        ]

    # Work: one at a time and to its end, whoever leaves meanwhile.

    async def txt2img(self, request: Request) -> Response:
        """Pictures of a prompt."""
        return await self._generate("txt2img", await _fields(request))

    async def img2img(self, request: Request) -> Response:
        """As txt2img: a stand-in does not look at the picture it is given, but wants one, as the real one does."""
        fields = await _fields(request)
        if fields.get("init_images") is None:
            return reply(answers.failure("HTTPException", "Init image not found"), HTTPStatus.NOT_FOUND)
        return await self._generate("img2img", fields | {"init_images": None, "mask": None})

    async def extra_single_image(self, request: Request) -> Response:
        """The real one makes a picture larger."""
        painted = await self._work_on("extra-single-image", Wish.of(await _fields(request)))
        return reply({"html_info": "", "image": painted[0]})

    async def extra_batch_images(self, request: Request) -> Response:
        """As extra-single-image, for a list."""
        fields = await _fields(request)
        given = fields.get("imageList")
        wish = Wish.of(fields | {"batch_size": len(given) if isinstance(given, list) else 1})
        return reply({"html_info": "", "images": await self._work_on("extra-batch-images", wish)})

    async def interrogate(self, request: Request) -> Response:
        """The real one says what a picture shows."""
        await self._work_on("interrogate", Wish.of(await _fields(request)))
        return reply({"caption": "a picture, seen by a stand-in"})

    async def enqueue(self, request: Request) -> Response:
        """Of the agent-scheduler extension: the answer comes at once, the work later."""
        return reply({"task_id": self._scheduler.enqueue(Wish.of(await _fields(request)))})

    async def _generate(self, name: str, fields: dict[str, object]) -> Response:
        wish, overridden = Wish.of(fields), fields.get("override_settings")
        model = self._checkpoints.needed(
            overridden.get("sd_model_checkpoint") if isinstance(overridden, dict) else None
        )
        painted = await self._work_on(name, wish)
        self._checkpoints.loaded = model
        return reply(answers.generation(wish, fields, painted, name_of(model)))

    async def _work_on(self, name: str, wish: Wish) -> list[str]:
        job = Job(name, wish.task or f"task({name}-{time.monotonic_ns()})", wish.steps, self._work)
        return await self._gpu.run(job, functools.partial(answers.images, wish))

    # Models

    async def options(self, request: Request) -> Response:
        """Two of the real one's hundreds."""
        return reply({"sd_model_checkpoint": self._checkpoints.option, "samples_format": "png"})

    async def set_options(self, request: Request) -> Response:
        """As the real one: a model that it does not have is an error, and no other option matters."""
        checkpoint = (await _fields(request)).get("sd_model_checkpoint")
        if checkpoint is not None and self._checkpoints.find(checkpoint) is None:
            missing = answers.failure("RuntimeError", f"model {checkpoint!r} not found")
            return reply(missing, HTTPStatus.INTERNAL_SERVER_ERROR)
        if checkpoint is not None:
            await self._set_checkpoint(checkpoint)
        return reply(None)

    async def _set_checkpoint(self, name: object) -> None:
        """Loads it, if another one is there: that takes as long as a picture."""
        self._checkpoints.option = self._checkpoints.needed(name)
        if self._checkpoints.loaded != self._checkpoints.option:
            await self._work_on("load", Wish.of({"width": 8, "height": 8}))
            self._checkpoints.loaded = self._checkpoints.option

    # Control: process-global, as in the real one. It speaks of whatever runs.

    async def progress(self, request: Request) -> Response:
        """How far the running job is."""
        preview = request.query_params.get("skip_current_image", "").lower() not in ("true", "1")
        return reply(answers.progress(self._gpu.job, preview))

    async def internal_progress(self, request: Request) -> Response:
        """How far the named task is."""
        return reply(answers.task_progress(self._gpu, str((await _fields(request)).get("id_task"))))

    async def interrupt(self, request: Request) -> Response:
        """End the running job. Between two jobs it is lost, as in the real one."""
        if self._gpu.job is not None:
            self._gpu.job.interrupt()
        return reply({})

    async def skip(self, request: Request) -> Response:
        """As interrupt, with the real one's other answer."""
        if self._gpu.job is not None:
            self._gpu.job.skip()
        return reply(None)

    # The page's clicks

    async def predict(self, request: Request) -> Response:
        """A click without the queue."""
        try:
            return reply(await self._events.predict(await _fields(request)))
        except EventError as error:
            return reply({"error": str(error)}, HTTPStatus.INTERNAL_SERVER_ERROR)

    async def queue_status(self, request: Request) -> Response:
        """How many clicks wait for a place."""
        return reply(self._events.estimation())

    async def file(self, request: Request) -> Response:
        """One of the two that a stand-in has, or a picture of its page."""
        path = request.path_params["name"]
        if (picture := self._gallery.picture(path)) is not None:
            return Response(picture, media_type="image/png")
        if self._gallery.would_have(path):
            return reply({"detail": f"File not allowed: {path}."}, HTTPStatus.FORBIDDEN)
        match request.path_params["name"].rpartition("/")[2]:
            case "config.json":
                return await self.options(request)
            case "style.css":
                return Response("body { color: black }", media_type="text/css")
            case name:
                return reply({"detail": f"File not found: {name}."}, HTTPStatus.NOT_FOUND)

    async def stats(self, request: Request) -> Response:
        """What only a stand-in tells."""
        return reply(answers.stats(self._gpu, self._started_at, self._functions.reloads))


async def _page(request: Request) -> Response:
    return HTMLResponse(PAGE)


async def _fields(request: Request) -> dict[str, object]:
    return read_fields(await request.body(), request.headers.get("content-type"))
