"""Events of a watch: lines of JSON, one event each."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.kubernetes.errors import NoAnswer, refusal

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator

    from gateway.kubernetes.collection import KubeObject
    from gateway.kubernetes.errors import Question


class Change(enum.Enum):
    """The kind of a watch event."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"  # nothing has changed up to this version


@dataclass(frozen=True, slots=True)
class Event:
    """One event; of a bookmark's object only the version means anything."""

    change: Change
    object: KubeObject

    @property
    def version(self) -> str:
        """The version from which a watch goes on after this event."""
        return str(self.object["metadata"]["resourceVersion"])


async def lines(pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    """At line feeds, and there alone: JSON may hold characters that end lines elsewhere, such as U+0085."""
    rest = b""
    async for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line
    if rest:
        yield rest


def parse_event(question: Question, line: bytes) -> Event:
    """Raises what an ERROR event says (`Gone` for 410), and NoAnswer for what is no event at all."""
    try:
        said: Any = json.loads(line)
        kind, content = said["type"], said["object"]
        if kind == "ERROR":
            raise refusal(question, int(content["code"]), str(content.get("message", "")))
        event = Event(Change(kind), content)
        if not event.version:
            raise ValueError("no version")
        if event.change is not Change.BOOKMARK:
            key_of(event.object)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoAnswer(question, f"malformed event {line[:80]!r}") from error
    return event


def key_of(content: KubeObject) -> tuple[str, str]:
    """The key of an object among its kind: namespace and name. Raises KeyError."""
    metadata = content["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
