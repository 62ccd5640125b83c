"""MCP's older transport: a stream opens a session, and tells the result of each call that was posted to it. The POST is
answered with 202 before the call has begun. (mcp 1.10 behind gradio 5.49.)

    event: endpoint                                                     the session, and where to post
    event: message      {"jsonrpc":"2.0","id":3,"result":{...}}         the end of call 3
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from gateway.dialogues.dialogue import Unfollowed
from gateway.dialogues.event_stream import EventStream
from gateway.dialogues.gradio_files import FileNames
from gateway.dialogues.told_ends import ToldEnds
from gateway.names import mcp_call_name, mcp_session_name, session_of_call

if TYPE_CHECKING:
    from gateway.dialogues.dialogue import Answered
    from gateway.dialogues.event_stream import Told
    from gateway.dialogues.told_ends import ToldJob

_ACCEPTED = 202

_SESSION = re.compile(rb".*[?&]session_id=([0-9a-f]{32})(?:&.*)?")

#: The beginning of a result, which may be a picture of megabytes.
_RESULT = re.compile(
    rb'\s*\{\s*"jsonrpc"\s*:\s*"2\.0"\s*,\s*"id"\s*:\s*("(?:[^"\\]|\\.){0,256}"|-?[0-9]{1,32})\s*,\s*"(?:result|error)"'
)


class McpSessions:
    """All sessions of one pool."""

    def __init__(self) -> None:
        self._ends = ToldEnds()

    def begun(self, answered: Answered) -> ToldJob | Unfollowed | None:
        """A call is the server's if, and only if, it was answered with 202."""
        if answered.status != _ACCEPTED:
            return None
        if answered.job is None:
            return Unfollowed()
        return self._ends.begun(answered.job, session_of_call(answered.job))

    def ear(self, keys: tuple[str, ...]) -> McpEar:
        """For the stream of a new session."""
        return McpEar(self._ends)


class McpEar:
    """Hears one session's stream."""

    def __init__(self, ends: ToldEnds) -> None:
        self._ends = ends
        self._told = EventStream()
        self._files = FileNames()
        self._session = ""  # not yet told

    @property
    def wanted(self) -> bool:
        """Whether a call of this session is at work."""
        return self._ends.is_told_of(self._session)

    def heard(self, piece: bytes) -> list[str]:
        """A piece of the stream. The session is among what it says the pod has."""
        names = self._files.heard(piece)
        for told in self._told.feed(piece):
            if told.name == b"endpoint" and (match := _SESSION.fullmatch(told.data)):
                self._session = mcp_session_name(match[1].decode())
                names.append(self._session)
            elif (request_id := _answered(told)) is not None:
                self._ends.ended(mcp_call_name(self._session, request_id))
        return names


def _answered(told: Told) -> object:
    """The id of the call whose result this is. None: it is none."""
    beginning = None if told.whole else _RESULT.match(told.data)
    try:
        said = json.loads(told.data if beginning is None else b'{"id":%s,"result":0}' % beginning[1])
    except (ValueError, RecursionError):
        return None
    return said.get("id") if isinstance(said, dict) and ("result" in said or "error" in said) else None
