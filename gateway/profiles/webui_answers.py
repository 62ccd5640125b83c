"""Answers of the gateway in the web UI's place, in its shapes: about the progress of a job that is still in line or
waits for a pod, and to an interrupt of a job that is not the asker's.

The page's progress bar lives on `queued`: it goes away after 40 s without it, and at once at any answer that is not
200. It first asks before the websocket of its event is open.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gateway.profiles.treatment import Control, LocalAnswer, Verb

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.profiles.treatment import ColdStart, Place

_NO_PREVIEW = -1

#: job_count of a job that begins. 0 would say that nothing is going on, and clients that wait for that would go on.
_BEGINS = -1


def held_task(place: Place) -> LocalAnswer:
    """`POST /internal/progress` of a task in line: the page shows the text on its bar."""
    return _queued(_in_queue(place), place.start)


def starting_task(start: ColdStart) -> LocalAnswer:
    """The same of a task whose event is not in line yet, while no pod is ready."""
    return _queued(_STARTING, start)


def held_progress(place: Place) -> LocalAnswer:
    """`GET /sdapi/v1/progress` of a session whose job is in line: a job that is about to begin."""
    state = {
        "skipped": False,
        "interrupted": False,
        "stopping_generation": False,
        "job": "",
        "job_count": _BEGINS,
        "job_timestamp": "0",
        "job_no": 0,
        "sampling_step": 0,
        "sampling_steps": 0,
    }
    eta = round(place.wait or 0.0, 1)
    return _json(
        {
            "progress": 0.0,
            "eta_relative": eta,
            "state": state,
            "current_image": None,
            "textinfo": _in_queue(place),
        }
    )


_STARTING = "Starting ..."


def _queued(text: str, start: ColdStart | None) -> LocalAnswer:
    """The page shows the text, and the time left behind it."""
    return _task(text, queued=True, eta=start.left if start is not None else None)


def _task(
    text: str, *, active: bool = False, queued: bool = False, completed: bool = False, eta: float | None = None
) -> LocalAnswer:
    """A1111's page shows `textinfo`, SD.Next's `job`."""
    return _json(
        {
            "active": active,
            "queued": queued,
            "paused": False,
            "completed": completed,
            "progress": None,
            "eta": eta,
            "live_preview": None,
            "id_live_preview": _NO_PREVIEW,
            "textinfo": text,
            "job": text,
        }
    )


#: What the real one says when it has done as it was told.
INTERRUPTED = LocalAnswer(200, b"{}")
SKIPPED = LocalAnswer(200, b"null")
DONE = LocalAnswer(204)

_NOT_YOURS = "No job of yours is running or waiting here. Nothing was stopped."
_TAKEN_OUT = "Your job was taken out of the line. It was not begun."

#: To others. The real one would have said 200 and stopped somebody's picture.
NOT_YOURS = LocalAnswer(200, json.dumps({"detail": _NOT_YOURS}).encode())


def refusal(title: str, detail: str) -> dict[str, object]:
    """As the API tells of a failure, and a page of Gradio 3 shows the first of them."""
    return {"error": f"{title}. {detail}", "errors": detail}


def _in_queue(place: Place) -> str:
    queue = f"In queue: {place.position}/{max(place.length, place.position)}"
    return queue if place.start is None else f"{_STARTING} {queue}"


def _json(content: object) -> LocalAnswer:
    return LocalAnswer(200, json.dumps(content, separators=(",", ":")).encode())


def _error(text: str) -> LocalAnswer:
    """Pages of Gradio 3 show what is wrong, those of Gradio 4 say in words of their own that something is."""
    return LocalAnswer(409, json.dumps({"error": text, "detail": text}).encode())


def _completed(output: dict[str, object], *, success: bool) -> LocalAnswer:
    """The last message on an event's websocket."""
    return _json({"msg": "process_completed", "output": output, "success": success})


def _always(answer: LocalAnswer) -> Callable[[Place], LocalAnswer]:
    return lambda place: answer


#: Progress of a task at work on a pod that takes no requests: at anything else the page takes its bar away.
UNSEEN_TASK = _task("At work, how far is unknown: its server takes no new requests", active=True)

#: The same of a task that left the line without being begun. A pod, which never knew it, would say
#: that it is neither queued nor completed: the page's bar and its button would wait on for 40 s.
OVER_TASK = _task("", completed=True)

#: What a function without outputs gives.
_NOTHING: dict[str, object] = {"data": [], "is_generating": False, "duration": 0.0}

#: A click that stops a job, of Gradio 3: on a websocket, and where an event is answered in one exchange.
STOP_BY_SOCKET = Control(
    Verb.STOP,
    _always(_completed(_NOTHING, success=True)),
    foreign=_completed({"error": _NOT_YOURS}, success=False),
)
STOP_BY_CALL = Control(Verb.STOP, _always(_json(_NOTHING)), foreign=_error(_NOT_YOURS))

#: Of Gradio 4, which tells of an event's end on a stream of the pod's: in the pod's place it can only be said that
#: there is no event. One that the pod takes is begun behind its answer: its queue is looked into twenty times a second.
STOP_BY_POST = Control(Verb.STOP, _always(_error(_TAKEN_OUT)), foreign=_error(_NOT_YOURS), lag=1.0)
