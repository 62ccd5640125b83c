"""Gradio's events, from 4 on: a POST answers with an `event_id` at once, and a stream tells when the event is over.

`/queue/join` and the one stream `/queue/data` of its session; `/call/NAME` and a stream of the event's own,
`/call/NAME/EVENT_ID`. Each stream has one reader, the client's; so the end is overheard there.
(Gradio's routes.py, queueing.py and server_messages.py.)
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from gateway.dialogues.dialogue import End, Unfollowed
from gateway.dialogues.event_stream import EventStream
from gateway.dialogues.gradio_files import FileNames
from gateway.dialogues.told_ends import ToldEnds
from gateway.names import EVENT, SESSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.dialogues.dialogue import Answered
    from gateway.dialogues.event_stream import Told
    from gateway.dialogues.told_ends import ToldJob

_LONGEST_ID = 128

#: The beginning of a message whose output is too long to be kept: its first two fields, as Gradio orders them.
_COMPLETED = re.compile(rb'\s*\{\s*"msg"\s*:\s*"process_completed"\s*,\s*"event_id"\s*:\s*"([\w-]{1,128})"')

#: What ends an event on a stream of its own.
_LAST = (b"complete", b"error")


class GradioEvents:
    """One of the two pairs of routes. `kind`: streams are told apart by their `session:` or by their `event:`. `over`:
    which event a message ends, and how, by the message and the key of its stream."""

    def __init__(self, kind: str, over: Callable[[Told, str], tuple[str, End] | None]) -> None:
        self._kind = kind
        self._over = over
        self._ends = ToldEnds()

    def begun(self, answered: Answered) -> ToldJob | Unfollowed | None:
        """An event is in Gradio's queue if, and only if, it was answered with 200."""
        if answered.status != 200:
            return None
        event_id = _event_id(answered)
        if event_id is None:
            return Unfollowed()
        key = f"{EVENT}{event_id}"
        stream = self._stream((*answered.keys, key))
        return self._ends.begun(event_id, stream, (key,)) if stream is not None else Unfollowed()

    def ear(self, keys: tuple[str, ...]) -> GradioEar | None:
        """For a stream with these keys."""
        stream = self._stream(keys)
        return GradioEar(self, stream) if stream is not None else None

    def _stream(self, keys: tuple[str, ...]) -> str | None:
        return next((key for key in keys if key.startswith(self._kind)), None)

    def is_told_of(self, stream: str) -> bool:
        """The ear's: an event is at work whose end would be told on it."""
        return self._ends.is_told_of(stream)

    def heard(self, told: Told, stream: str) -> None:
        """The ear's."""
        if (over := self._over(told, stream)) is not None:
            self._ends.ended(*over)


class GradioEar:
    """Hears one stream."""

    def __init__(self, events: GradioEvents, stream: str) -> None:
        self._events = events
        self._stream = stream
        self._told = EventStream()
        self._files = FileNames()

    @property
    def wanted(self) -> bool:
        """Whether the stream would tell of an event that is at work."""
        return self._events.is_told_of(self._stream)

    def heard(self, piece: bytes) -> list[str]:
        """A piece of the stream."""
        for told in self._told.feed(piece):
            self._events.heard(told, self._stream)
        return self._files.heard(piece)


def gradio_stream() -> GradioEvents:
    """`/queue/join` and `/queue/data`."""
    return GradioEvents(SESSION, _completed)


def gradio_call() -> GradioEvents:
    """`/call`."""
    return GradioEvents(EVENT, _last)


def _completed(told: Told, stream: str) -> tuple[str, End] | None:
    if not told.whole:
        beginning = _COMPLETED.match(told.data)
        return (beginning[1].decode(), End.SEEN) if beginning else None
    try:
        said = json.loads(told.data) if b"process_completed" in told.data else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or said.get("msg") != "process_completed":
        return None
    event_id, output = said.get("event_id"), said.get("output")
    gave_nothing = isinstance(output, dict) and output.get("data") == []
    return (event_id, End.GAVE_NOTHING if gave_nothing else End.SEEN) if isinstance(event_id, str) else None


def _last(told: Told, stream: str) -> tuple[str, End] | None:
    return (stream.removeprefix(EVENT), End.SEEN) if told.name in _LAST else None


def _event_id(answered: Answered) -> str | None:
    try:
        said = json.loads(answered.body) if answered.whole else None
    except (ValueError, RecursionError):
        return None
    given = said.get("event_id") if isinstance(said, dict) else None
    return given if isinstance(given, str) and 0 < len(given) <= _LONGEST_ID else None
