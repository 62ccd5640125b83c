"""What the gateway says in the web UI's place, in its shapes: to whoever asks how far a job is that is still in line,
and to whoever wants to stop what is not theirs.

The page's progress bar lives on `queued`: it goes away after 40 s without it, and at any answer that is not 200.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from gateway.profiles.treatment import LocalAnswer

if TYPE_CHECKING:
    from gateway.profiles.treatment import Place

_NO_PREVIEW = -1

#: job_count of a job that begins. 0 would say that nothing is going on, and clients that wait for that would go on.
_BEGINS = -1


def held_task(place: Place) -> LocalAnswer:
    """`POST /internal/progress` of a task in line: the page shows the text on its bar."""
    return _json(
        {
            "active": False,
            "queued": True,
            "completed": False,
            "progress": None,
            "eta": None,
            "live_preview": None,
            "id_live_preview": _NO_PREVIEW,
            "textinfo": _in_queue(place),
        }
    )


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


#: What the real one says when it has done as it was told.
INTERRUPTED = LocalAnswer(200, b"{}")
SKIPPED = LocalAnswer(200, b"null")
DONE = LocalAnswer(204)

#: To others. The real one would have said 200 and stopped somebody's picture.
NOT_YOURS = LocalAnswer(200, b'{"detail":"No job of yours is running or waiting here. Nothing was stopped."}')


def _in_queue(place: Place) -> str:
    return f"In queue: {place.position}/{max(place.length, place.position)}"


def _json(content: object) -> LocalAnswer:
    return LocalAnswer(200, json.dumps(content, separators=(",", ":")).encode())
