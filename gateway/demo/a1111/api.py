"""The routes of the A1111 stand-in, on one pretended GPU. Opens no port; the shapes are in `answers`, what is asked in
`wish`, the page's clicks in `events`.

The real handlers run on forty threads, and one that waits for the GPU holds a thread: where forty wait, nothing else
of the API answers.
"""

from __future__ import annotations

import asyncio
import functools
import json
import time
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from gateway.demo.a1111 import answers
from gateway.demo.a1111.events import EventError, Events
from gateway.demo.a1111.page import CONFIG, ENQUEUE, GENERATE, INTERRUPT, PAGE, SKIP
from gateway.demo.a1111.scheduler import Scheduler
from gateway.demo.a1111.wish import UnprocessableError, Wish, read_fields
from gateway.demo.gpu import Gpu, Job, TwoAtOnceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ExceptionHandler


#: anyio's default, which the real one leaves as it is.
_THREADS = 40


class A1111Api:
    """Every handler answers with what the real one would say of a server in this state."""

    def __init__(self, gpu: Gpu, work: float) -> None:
        self._gpu = gpu
        self._work = work  # seconds a request, whatever it asks for
        self._started_at = time.time()
        self._threads = asyncio.Semaphore(_THREADS)
        self._events = Events(self._click)
        self._scheduler = Scheduler(self._work_on)

    def application(self) -> Starlette:
        """The routes as an ASGI application."""
        return Starlette(routes=self._routes(), exception_handlers=_ERRORS)

    def _routes(self) -> list[BaseRoute]:
        return [
            Route("/", _page, methods=["GET"]),
            Route("/config", _always(CONFIG), methods=["GET"]),
            Route("/stand-in/stats", self.stats, methods=["GET"]),
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
        models = [{"title": answers.MODEL, "model_name": "stand-in"}]
        options = {"sd_model_checkpoint": answers.MODEL, "samples_format": "png"}
        return [
            Route("/sdapi/v1/txt2img", self.txt2img, methods=post),
            Route("/sdapi/v1/img2img", self.img2img, methods=post),
            Route("/sdapi/v1/extra-single-image", self.extra_single_image, methods=post),
            Route("/sdapi/v1/extra-batch-images", self.extra_batch_images, methods=post),
            Route("/sdapi/v1/interrogate", self.interrogate, methods=post),
            Route("/sdapi/v1/progress", self.progress, methods=get),
            Route("/sdapi/v1/interrupt", self.interrupt, methods=post),
            Route("/sdapi/v1/skip", self.skip, methods=post),
            Route("/sdapi/v1/options", _always(options), methods=get),
            Route("/sdapi/v1/options", _always(None), methods=post),
            Route("/sdapi/v1/cmd-flags", _always({"api": True, "listen": True, "nowebui": False}), methods=get),
            Route("/sdapi/v1/memory", _always({"ram": {}, "cuda": {"error": "unavailable"}}), methods=get),
            Route("/sdapi/v1/sd-models", _always(models), methods=get),
            Route("/sdapi/v1/samplers", _always(samplers), methods=get),
            Route("/internal/progress", self.internal_progress, methods=post),
            Route("/internal/pending-tasks", _always({"size": 0, "tasks": []}), methods=get),
            Route("/internal/ping", _always({}), methods=get),
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
            return _json(answers.failure("HTTPException", "Init image not found"), HTTPStatus.NOT_FOUND)
        return await self._generate("img2img", fields | {"init_images": None, "mask": None})

    async def extra_single_image(self, request: Request) -> Response:
        """The real one makes a picture larger."""
        painted = await self._work_on("extra-single-image", Wish.of(await _fields(request)))
        return _json({"html_info": "", "image": painted[0]})

    async def extra_batch_images(self, request: Request) -> Response:
        """As extra-single-image, for a list."""
        fields = await _fields(request)
        given = fields.get("imageList")
        wish = Wish.of(fields | {"batch_size": len(given) if isinstance(given, list) else 1})
        return _json({"html_info": "", "images": await self._work_on("extra-batch-images", wish)})

    async def interrogate(self, request: Request) -> Response:
        """The real one says what a picture shows."""
        await self._work_on("interrogate", Wish.of(await _fields(request)))
        return _json({"caption": "a picture, seen by a stand-in"})

    async def enqueue(self, request: Request) -> Response:
        """Of the agent-scheduler extension: the answer comes at once, the work later."""
        return _json({"task_id": self._scheduler.enqueue(Wish.of(await _fields(request)))})

    async def _generate(self, name: str, fields: dict[str, object]) -> Response:
        wish = Wish.of(fields)
        return _json(answers.generation(wish, fields, await self._work_on(name, wish)))

    async def _work_on(self, name: str, wish: Wish) -> list[str]:
        job = Job(name, wish.task or f"task({name}-{time.monotonic_ns()})", wish.steps, self._work)
        return await self._gpu.run(job, functools.partial(answers.images, wish))

    # Control: process-global, as in the real one. It speaks of whatever runs.

    async def progress(self, request: Request) -> Response:
        """How far the running job is."""
        preview = request.query_params.get("skip_current_image", "").lower() not in ("true", "1")
        return _json(answers.progress(self._gpu.job, preview))

    async def internal_progress(self, request: Request) -> Response:
        """How far the named task is."""
        return _json(answers.task_progress(self._gpu, str((await _fields(request)).get("id_task"))))

    async def interrupt(self, request: Request) -> Response:
        """End the running job. Between two jobs it is lost, as in the real one."""
        if self._gpu.job is not None:
            self._gpu.job.interrupt()
        return _json({})

    async def skip(self, request: Request) -> Response:
        """As interrupt, with the real one's other answer."""
        if self._gpu.job is not None:
            self._gpu.job.skip()
        return _json(None)

    # The page's clicks

    async def predict(self, request: Request) -> Response:
        """A click without the queue."""
        try:
            return _json(await self._events.predict(await _fields(request)))
        except EventError as error:
            return _json({"error": str(error)}, HTTPStatus.INTERNAL_SERVER_ERROR)

    async def queue_status(self, request: Request) -> Response:
        """How many clicks wait for a place."""
        return _json(self._events.estimation())

    async def _click(self, number: int, data: list[Any]) -> list[Any]:
        """The functions of the page, by their numbers. All but one take no time."""
        if number == GENERATE:
            task, prompt = (str(each) for each in (*data, "", "")[:2])
            try:
                painted = await self._work_on("txt2img", Wish.of({"prompt": prompt, "force_task_id": task}))
            except TwoAtOnceError as error:
                raise EventError(str(error)) from error
            return [f"data:image/png;base64,{painted[0]}"]
        if number == ENQUEUE:
            self._scheduler.enqueue(Wish.of({"prompt": str((*data, "", "")[1])}))
        if number in (INTERRUPT, SKIP) and self._gpu.job is not None:
            (self._gpu.job.interrupt if number == INTERRUPT else self._gpu.job.skip)()
        return []

    async def stats(self, request: Request) -> Response:
        """What only a stand-in tells."""
        return _json(answers.stats(self._gpu, self._started_at))


async def _page(request: Request) -> Response:
    return HTMLResponse(PAGE)


async def _fields(request: Request) -> dict[str, object]:
    return read_fields(await request.body(), request.headers.get("content-type"))


def _json(content: object, status: int = HTTPStatus.OK) -> Response:
    """In ASCII, so that any string that came in may go out."""
    return Response(json.dumps(content, separators=(",", ":")), status, media_type="application/json")


def _always(content: object) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return _json(content)

    return answer


async def _on_http_exception(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    answer = _json({"detail": error.detail}, error.status_code)
    answer.headers.update(error.headers or {})
    return answer


async def _on_unprocessable(request: Request, error: Exception) -> Response:
    assert isinstance(error, UnprocessableError)
    return _json({"detail": error.errors}, HTTPStatus.UNPROCESSABLE_ENTITY)


async def _on_unreadable(request: Request, error: Exception) -> Response:
    return _json(answers.failure("HTTPException", "There was an error parsing the body"), HTTPStatus.BAD_REQUEST)


async def _on_two_at_once(request: Request, error: Exception) -> Response:
    return _json(answers.failure("TwoAtOnce", str(error)), HTTPStatus.INTERNAL_SERVER_ERROR)


async def _on_client_gone(request: Request, error: Exception) -> Response:
    """It left in the middle of its body: nobody reads this."""
    return Response(status_code=HTTPStatus.BAD_REQUEST)


_ERRORS: dict[object, ExceptionHandler] = {
    HTTPException: _on_http_exception,
    UnprocessableError: _on_unprocessable,
    UnicodeDecodeError: _on_unreadable,
    TwoAtOnceError: _on_two_at_once,
    ClientDisconnect: _on_client_gone,
}
