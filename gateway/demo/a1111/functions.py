"""The functions behind the buttons of a stand-in's page, and Gradio's configuration that tells of them.

As seen on AUTOMATIC1111 1.10.1: no function has a name, and only Generate and its like give the event a task. *Train*
has an Interrupt of its own. *Reload UI* interrupts the running picture before the page goes down. Interrogate and the
list of checkpoints use the GPU without a task, beside whatever it does, and so does Generate if the event has none.
Enter in the prompt is Generate under another number. A page that was loaded again asks by *Restore progress* for the
result of its task: the function waits while that is queued or at work; the two latest results are kept.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any

from gateway.demo.a1111.events import EventError
from gateway.demo.a1111.wish import Wish
from gateway.demo.gpu import TwoAtOnceError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.demo.gpu import Gpu

#: Numbers of the functions.
COUNT_TOKENS, GENERATE, INTERRUPT, SKIP, ENQUEUE, STOP_TRAINING, RELOAD_UI, INTERROGATE, CHECKPOINT, UNLOAD = range(10)
ENTER, RESTORE = 10, 11

#: What calls each: its kind, id and label; and the script that runs before.
_CALLED_BY: dict[int, tuple[str, str, str, str | None]] = {
    COUNT_TOKENS: ("button", "txt2img_token_button", "", None),
    GENERATE: ("button", "txt2img_generate", "Generate", "submit"),
    INTERRUPT: ("button", "txt2img_interrupt", "Interrupt", None),
    SKIP: ("button", "txt2img_skip", "Skip", None),
    ENQUEUE: ("button", "txt2img_enqueue", "Enqueue", None),
    STOP_TRAINING: ("button", "train_interrupt_training", "Interrupt", None),
    RELOAD_UI: ("button", "settings_restart_gradio", "Reload UI", "restart_reload"),
    INTERROGATE: ("button", "interrogate", "\N{PAPERCLIP}", None),
    CHECKPOINT: ("dropdown", "setting_sd_model_checkpoint", "", None),
    UNLOAD: ("button", "sett_unload_sd_model", "Unload SD checkpoint to free VRAM", None),
    ENTER: ("textbox", "txt2img_prompt", "", "submit"),
    RESTORE: ("button", "txt2img_restore_progress", "\N{CYCLONE}", "restoreProgressTxt2img"),
}

_TRIGGERS = {"button": "click", "dropdown": "change", "textbox": "submit"}

#: Results of tasks that are kept for pages that are loaded again.
_RECORDED = 2

CONFIG: dict[str, object] = {
    "version": "3.41.2",
    "mode": "blocks",
    "enable_queue": True,
    "components": [
        {"id": 10 + number, "type": kind, "props": {"elem_id": elem_id, "value": value}}
        for number, (kind, elem_id, value, _) in _CALLED_BY.items()
    ],
    "dependencies": [
        {
            "targets": [10 + number],
            "trigger": _TRIGGERS[kind],
            "backend_fn": True,
            "js": script,
            "queue": None,
            "api_name": None,
        }
        for number, (kind, _, _, script) in _CALLED_BY.items()
    ],
}


class Functions:
    """`paint` and `load` work on the GPU, and so does, later, what is enqueued. `keep` makes a file of a picture."""

    def __init__(
        self,
        gpu: Gpu,
        paint: Callable[[str, Wish], Awaitable[list[str]]],
        load: Callable[[object], Awaitable[None]],
        enqueue: Callable[[Wish], object],
        keep: Callable[[str], dict[str, object]],
    ) -> None:
        self.reloads = 0  # of the page: each takes the real one down for seconds
        self._gpu = gpu
        self._paint = paint
        self._load = load
        self._enqueue = enqueue
        self._keep = keep
        self._recorded: deque[tuple[str, list[Any]]] = deque(maxlen=_RECORDED)

    async def call(self, number: int, data: list[Any]) -> list[Any]:
        """One event. Raises EventError."""
        try:
            return await self._call(number, [*data, None, None])
        except TwoAtOnceError as error:
            raise EventError(str(error)) from error

    async def _call(self, number: int, data: list[Any]) -> list[Any]:
        if number in (GENERATE, ENTER):
            return await self._generated(data)
        if number == RESTORE:
            return await self._restored(str(data[0]))
        if number == INTERROGATE:
            await self._paint("interrogate", Wish.of({"width": 8, "height": 8}))
            return ["a picture, seen by a stand-in"]
        if number == CHECKPOINT:
            await self._load(data[0])
            return [data[0]]
        if number == ENQUEUE:
            self._enqueue(Wish.of({"prompt": data[1]}))
        self._stop(number)
        return []

    async def _generated(self, data: list[Any]) -> list[Any]:
        wish = Wish.of({"prompt": data[1], "force_task_id": data[0]})
        result = [[self._keep(picture) for picture in await self._paint("txt2img", wish)]]
        self._recorded.append((str(data[0]), result))
        return result

    async def _restored(self, task: str) -> list[Any]:
        while task in self._tasks():  # noqa: ASYNC110  # as the real one does
            await asyncio.sleep(0.1)
        lost = [None, f"Couldn't restore progress for {task}"]
        return next((result for recorded, result in self._recorded if recorded == task), lost)

    def _tasks(self) -> list[str]:
        """Queued and at work."""
        return [*self._gpu.waiting, *([self._gpu.job.task] if self._gpu.job is not None else [])]

    def _stop(self, number: int) -> None:
        self.reloads += number == RELOAD_UI
        if (job := self._gpu.job) is None:
            return
        if number in (INTERRUPT, STOP_TRAINING, RELOAD_UI):
            job.interrupt()
        elif number == SKIP:
            job.skip()
