"""The stand-in's queue of prompts and the one worker behind it, as ComfyUI has them: a heap without bound, in memory
alone; what is done is in the history, and until then nowhere but in the queue.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from gateway.demo.gpu import Job
from gateway.demo.png import paint

if TYPE_CHECKING:
    from collections.abc import Callable

_SAVERS = frozenset(("SaveImage", "PreviewImage", "SaveImageWebsocket"))
_SAMPLER = "KSampler"
_STEPS = 10
_SIDE = 64  # pixels
_REMEMBERED = 1000


@dataclass(order=True, slots=True)
class Prompt:
    """A submitted graph, in the order in which graphs are worked on."""

    number: float
    id: str = field(compare=False)
    graph: dict[str, dict[str, Any]] = field(compare=False)
    client: str | None = field(compare=False, default=None)
    extra: dict[str, Any] = field(compare=False, default_factory=dict)

    @property
    def outputs(self) -> list[str]:
        """Nodes that keep a picture."""
        return [node for node, each in self.graph.items() if each.get("class_type") in _SAVERS]

    def row(self) -> list[object]:
        """As the queue is shown."""
        return [self.number, self.id, self.graph, self.extra, self.outputs]


class Audience(Protocol):
    """Who hears of events. `client` None: everybody."""

    def tell(self, kind: str, data: dict[str, object], client: str | None) -> None: ...


class Interrupted(Exception):
    """Somebody wanted the running prompt to end."""


class Worker:
    """Works on one prompt at a time, `seconds` long each."""

    def __init__(self, audience: Audience, seconds: float) -> None:
        self.running: Prompt | None = None
        self._at: str | None = None  # the node of it that is worked on
        self.pending: list[Prompt] = []  # a heap
        self.history: OrderedDict[str, dict[str, object]] = OrderedDict()
        self.files: dict[str, bytes] = {}
        self.served = 0
        self.two_at_once = 0  # prompts that came while one was running or waiting: what must not happen
        self._audience = audience
        self._seconds = seconds
        self._job: Job | None = None
        self._came = asyncio.Event()

    @property
    def remaining(self) -> int:
        """Prompts running and waiting."""
        return len(self.pending) + (self.running is not None)

    def node_of(self, client: str) -> str | None:
        """The node that is worked on, if the running prompt is this client's."""
        return self._at if self.running is not None and self.running.client == client else None

    def submit(self, prompt: Prompt) -> None:
        """Into the queue."""
        self.two_at_once += self.remaining > 0
        heapq.heappush(self.pending, prompt)
        self._came.set()
        self._tell_status()

    def clear(self) -> None:
        """All that wait are forgotten."""
        self.delete(lambda prompt: True)

    def delete(self, unwanted: Callable[[Prompt], bool]) -> None:
        """Those that wait and are not wanted are forgotten."""
        self.pending = [each for each in self.pending if not unwanted(each)]
        heapq.heapify(self.pending)
        self._tell_status()

    def cancel(self, prompt_id: str) -> bool:
        """It ends or is forgotten. False: it is over, or never was."""
        runs = self.running is not None and self.running.id == prompt_id
        waits = any(each.id == prompt_id for each in self.pending)
        if runs:
            self.interrupt(prompt_id)
        if waits:
            self.delete(lambda prompt: prompt.id == prompt_id)
        return runs or waits

    def interrupt(self, prompt_id: str | None) -> None:
        """The running prompt ends, whosever it is; with an id, only if it is that one. Between two it is lost."""
        if self._job is not None and self.running is not None and prompt_id in (None, self.running.id):
            self._job.interrupt()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            while not self.pending:
                self._came.clear()
                await self._came.wait()
            self.running = heapq.heappop(self.pending)
            try:
                await self._work(self.running)
            finally:
                self.running, self._at = None, None
                self._tell_status()

    async def _work(self, prompt: Prompt) -> None:
        about: dict[str, object] = {"prompt_id": prompt.id}
        self._tell(prompt, "execution_start", about)
        self._tell(prompt, "execution_cached", about | {"nodes": []})
        outputs: dict[str, object] = {}
        try:
            for node, each in prompt.graph.items():
                outputs |= await self._node(prompt, node, str(each.get("class_type")))
        except Interrupted:
            self._audience.tell("execution_interrupted", about | {"executed": list(outputs)}, None)
            self._remember(prompt, outputs, "error")
            return
        self.served += 1
        self._remember(prompt, outputs, "success")
        self._tell(prompt, "execution_success", about)
        self._tell(prompt, "executing", about | {"node": None})

    async def _node(self, prompt: Prompt, node: str, kind: str) -> dict[str, object]:
        self._at = node
        about: dict[str, object] = {"node": node, "prompt_id": prompt.id}
        self._tell(prompt, "executing", about)
        steps = _STEPS if kind == _SAMPLER else 1
        for step in range(1, steps + 1):
            await self._pass(prompt, self._seconds / len(prompt.graph) / steps)
            if kind == _SAMPLER:
                self._tell(prompt, "progress", about | {"value": step, "max": steps})
        if node not in prompt.outputs:
            return {}
        output = {"images": [self._painted(prompt, node)]}
        self._tell(prompt, "executed", about | {"output": output})
        return {node: output}

    async def _pass(self, prompt: Prompt, seconds: float) -> None:
        self._job = Job(prompt.id, prompt.id, 1, seconds)
        await self._job.until_over()
        if self._job.interrupted:
            raise Interrupted

    def _painted(self, prompt: Prompt, node: str) -> dict[str, str]:
        name = f"ComfyUI_{prompt.id[:8]}_{node}.png"
        self.files[name] = paint(prompt.id, self.served, _SIDE, _SIDE)
        return {"filename": name, "subfolder": "", "type": "output"}

    def _remember(self, prompt: Prompt, outputs: dict[str, object], how: str) -> None:
        status = {"status_str": how, "completed": how == "success", "messages": []}
        self.history[prompt.id] = {"prompt": prompt.row(), "outputs": outputs, "status": status, "meta": {}}
        while len(self.history) > _REMEMBERED:
            self.history.popitem(last=False)

    def _tell(self, prompt: Prompt, kind: str, data: dict[str, object]) -> None:
        """To the page that submitted it alone; if none did, its progress to everybody, and the rest to nobody."""
        if prompt.client is not None or kind == "progress":
            self._audience.tell(kind, data, prompt.client)

    def _tell_status(self) -> None:
        self._audience.tell("status", {"status": {"exec_info": {"queue_remaining": self.remaining}}}, None)
