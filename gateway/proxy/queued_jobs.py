"""Recognises answers that name a job which the backend has only queued: the work goes on behind them, or has not begun.

    {"task_id": "…"}                        agent-scheduler, `POST /agent-scheduler/v1/queue/txt2img`
    {"batch_id": "…", "job_ids": ["…"]}     Deforum, `POST /deforum_api/batches`

Only small JSON with such a name at its top is taken for one; a 202 says it by itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.upstream.head import AnswerHead

_NAMES = frozenset(("task_id", "task_ids", "job_id", "job_ids", "batch_id", "prompt_id"))

#: Bytes. Such an answer has a few names; one with a picture is far longer.
_LONGEST = 4096


def may_name_one(head: AnswerHead) -> bool:
    """Whether an answer with this head is worth reading whole before its slot is given back."""
    if not 200 <= head.status < 300 or head.length is None or not 0 < head.length <= _LONGEST:
        return False
    return any(name == b"content-type" and value.startswith(b"application/json") for name, value in head.headers)


def names_one(body: bytes) -> bool:
    """The answer names a queued job. `body`: all of it."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return False
    return isinstance(answer, dict) and any(answer.get(name) for name in _NAMES)
