"""ComfyUI's jobs: `POST /prompt` answers with a `prompt_id` at once, and one worker paints behind it.

A prompt moves from `/queue` to `/history` in one step, so it is over when it is in the history and not in the
queue, and lost (the process died and came back, or somebody cleared the queue) when it is in neither, twice:
between two questions it may move. Asked are routes that answer beside the work; without the client's own name, for
a websocket of that name would take the page's place. (ComfyUI's server.py and execution.py.)
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio

from gateway.dialogues.comfyui_files import HISTORY, error_in, files_in
from gateway.dialogues.dialogue import End, Unfollowed
from gateway.names import prompt_name

if TYPE_CHECKING:
    from gateway.dialogues.dialogue import Answered, Pod

#: Seconds between two looks: a fiftieth of what the job has taken, so that the next in line waits little in proportion.
_SOONEST, _LATEST, _OF_JOB = 0.05, 1.0, 0.02

#: Seconds between two looks into the queue, which shows whole graphs, while nothing is wrong.
_QUEUE_EVERY = 2.0

#: Of the queue's. In a longer one everything is taken to be there.
_QUEUE = 4 << 20

_LONGEST_ID = 128


class ComfyJobs:
    """See the module."""

    def begun(self, answered: Answered) -> ComfyJob | Unfollowed | None:
        """A prompt is in the pod's queue if, and only if, it was answered with 200."""
        if answered.status != 200:
            return None
        prompt_id = _prompt_id(answered)
        prefix = "/api" if answered.raw_path.startswith(b"/api/") else ""
        return ComfyJob(prefix, prompt_id) if prompt_id is not None else Unfollowed()

    def ear(self, keys: tuple[str, ...]) -> None:
        """The page's websocket is not overheard: the pod can be asked."""


class ComfyJob:
    """One prompt."""

    keys = ()
    failure = ""

    def __init__(self, prefix: str, prompt_id: str) -> None:
        self.name: str | None = prompt_id
        self.made: tuple[str, ...] = (prompt_name(prompt_id),)
        self._history = f"{prefix}/history/{quote(prompt_id, safe='')}"
        self._queue = f"{prefix}/queue"
        self._quoted = json.dumps(prompt_id).encode()  # as the pod spells it

    async def until_over(self, pod: Pod) -> End:
        """Looks again and again, more seldom the longer it takes."""
        began = looked = anyio.current_time()
        missed = 0  # times in a row that it was nowhere
        while not pod.gone:
            if await self._is_done(pod):
                return End.FAILED if self.failure else End.SEEN
            now = anyio.current_time()
            if missed or now - looked >= _QUEUE_EVERY:
                looked = now
                missed = missed + 1 if await self._is_absent(pod) else 0
                if missed == 2:
                    return End.LOST
            await anyio.sleep(min(max(_SOONEST, (now - began) * _OF_JOB), _LATEST))
        return End.LOST

    async def _is_done(self, pod: Pod) -> bool:
        """In the history, and no longer in the queue: an id that was used before is in the history from the start."""
        reply = await pod.get(self._history, HISTORY)
        if reply is None or reply.status != 200 or b"".join(reply.body.split()) in (b"", b"{}"):
            return False
        if not await self._is_absent(pod):
            return False
        if reply.whole:
            self.made += tuple(files_in(reply.body))
            self.failure = error_in(reply.body)
        return True

    async def _is_absent(self, pod: Pod) -> bool:
        reply = await pod.get(self._queue, _QUEUE)
        if reply is None or reply.status != 200 or not reply.whole:
            return False
        return b"queue_pending" in reply.body and self._quoted not in reply.body


def _prompt_id(answered: Answered) -> str | None:
    try:
        said = json.loads(answered.body) if answered.whole else None
    except (ValueError, RecursionError):
        return None
    given = said.get("prompt_id") if isinstance(said, dict) else None
    return given if isinstance(given, str) and 0 < len(given) <= _LONGEST_ID else None
