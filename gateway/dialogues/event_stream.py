"""Server-sent events as they come over the wire (HTML Living Standard 9.2.5 and 9.2.6): their names, and the beginning
of their data. Bounded: of a line that never ends, no more than its beginning is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Bytes that are kept of a line. Pictures come in lines of megabytes, with what they are at their beginning.
LINE = 16 * 1024


@dataclass(frozen=True, slots=True)
class Told:
    """One event."""

    name: bytes  # b"message" if it has none
    data: bytes
    whole: bool  # nothing of the data is missing


class EventStream:
    """One stream. How its bytes were cut into pieces does not matter."""

    def __init__(self) -> None:
        self._line = bytearray()
        self._is_cut = False  # some of the line was not kept
        self._name = b""
        self._data: list[bytes] = []
        self._whole = True

    def feed(self, piece: bytes) -> list[Told]:
        """The events that are complete with this piece."""
        told: list[Told] = []
        *ended, rest = piece.split(b"\n")
        for part in ended:
            self._keep(part)
            told += self._end_line()
        self._keep(rest)
        return told

    def _keep(self, part: bytes) -> None:
        room = LINE - len(self._line)
        self._is_cut = self._is_cut or len(part) > room
        self._line += part[:room]

    def _end_line(self) -> list[Told]:
        line, is_cut = bytes(self._line).removesuffix(b"\r"), self._is_cut
        self._line.clear()
        self._is_cut = False
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        if field == b"event":
            self._name = value.strip()
        elif field == b"data" and len(self._data) < 2:  # the servers we hear write one line each
            self._data.append(value.removeprefix(b" "))
            self._whole = self._whole and not is_cut
        elif field == b"data":
            self._whole = False
        return []

    def _dispatch(self) -> list[Told]:
        name, data, whole = self._name or b"message", self._data, self._whole
        self._name, self._data, self._whole = b"", [], True
        return [Told(name, b"\n".join(data), whole)] if data or name != b"message" else []
