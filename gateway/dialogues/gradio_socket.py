"""Gradio 3's queue in its server's words: what the gateway says to a page in a pod's place, and what a pod's
messages mean. (queueing.py, routes.py and data_classes.py of gradio 3.41.2.)

    server: send_hash                              client: fn_index, session_hash          within `HASH_WITHIN`
    server: estimation, while it is in line
    server: send_data                              client: data, fn_index, session_hash    within `DATA_WITHIN`
    server: process_starts, progress, log, process_generating, process_completed; it closes
    or      queue_full, and it closes

A page takes the messages in any order. It shows the place in an estimation, and the text of an error.
"""

from __future__ import annotations

import enum
import json
import re

#: Seconds in which the server wants each answer.
HASH_WITHIN = 5.0
DATA_WITHIN = 60.0

#: Bytes of the first answer: two numbers and a random word.
LONGEST_HASH = 4096

#: As the server says it.
TOO_LATE = "Time out uploading data to server"

#: Longer ones are known by their beginning, where Gradio puts the kind.
_READ_WHOLE = 4096
_KIND = re.compile(rb'\s*\{\s*"msg"\s*:\s*"(\w{1,32})"')


class Said(enum.Enum):
    """The meaning of a pod's message."""

    WANTS_HASH = "send_hash"
    WANTS_DATA = "send_data"
    FULL = "queue_full"
    COMPLETED = "process_completed"
    OTHER = ""  # for the page


def said(message: bytes) -> Said:
    """The meaning of a message."""
    found = _KIND.match(message)
    kind = found[1].decode() if found is not None else _object(message, _READ_WHOLE).get("msg")
    try:
        return Said(kind)
    except ValueError:
        return Said.OTHER


def is_hash(message: bytes) -> bool:
    """Whether a message answers `send_hash`."""
    return "session_hash" in _object(message, LONGEST_HASH)


def has_no_output(message: bytes) -> bool:
    """Whether a `process_completed` tells of a function that gave the page nothing: what it was called for, it has only
    queued. (agent-scheduler's Enqueue has no outputs.)"""
    output = _object(message, _READ_WHOLE).get("output")
    return isinstance(output, dict) and output.get("data") == []


def _object(message: bytes, longest: int) -> dict[str, object]:
    try:
        read = json.loads(message) if len(message) <= longest else None
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


SEND_HASH = b'{"msg":"send_hash"}'
SEND_DATA = b'{"msg":"send_data"}'
QUEUE_FULL = b'{"msg":"queue_full"}'


def estimation(
    place: int, length: int, *, wait: float | None = None, longest: float | None = None, service: float | None = None
) -> bytes:
    """Where in line an event is: `place` from 1. Seconds, None if they are not known: until its own end, until the
    line's, and that one event takes."""
    return _message(
        "estimation",
        rank=max(0, place - 1),
        queue_size=max(length, place),
        avg_event_process_time=service,
        avg_event_concurrent_process_time=None,
        rank_eta=wait,
        queue_eta=longest or 0.0,
    )


def failed(text: str) -> bytes:
    """The event's end, with an error that the page shows."""
    return _message("process_completed", output={"error": text}, success=False)


def _message(kind: str, **members: object) -> bytes:
    return json.dumps({"msg": kind, **members}, separators=(",", ":")).encode()
