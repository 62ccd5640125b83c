"""A bounded look into a JSON body: the values at a few places in it, without building the rest.

A body comes from a client, may be megabytes of base64, and may be only the beginning of one. So it is walked token by
token: strings are skipped at the speed of a regular expression, and the walk ends after `_TOKENS` tokens or at a depth
of `_DEPTH`. It never raises. `Found.sure` says whether the whole was read, well-formed, with none of the wanted places
twice: a decision that would *spare* a request something may rest on nothing less.

Backends read JSON as Python's `json` does, and so does this: the last of two equal keys counts, NaN is a number, and
bytes may be UTF-16, though that is nothing to be sure of.
"""

from __future__ import annotations

import codecs
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: A generous graph of ComfyUI has 30,000 tokens with its page's drawing of it. About a microsecond each.
_TOKENS = 50_000
_DEPTH = 64

Path = tuple[str | int, ...]

#: Stands for a list or an object, and for a number that `json` would not read.
COMPOUND = object()

_TOKEN = re.compile(
    r"""[ \t\n\r]*(?:
        (?P<mark>[][{},:])
      | "(?P<string>[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*)"
      | (?P<word>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|NaN|-?Infinity)
    )""",
    re.VERBOSE,
)
_REST = re.compile(r"[ \t\n\r]*\Z")
_LONGEST_NUMBER = 64  # characters: Python refuses to read integers of thousands of digits


@dataclass(slots=True)
class Found:
    """Values found in a body, by place: text, numbers, True, False and None; `COMPOUND` for anything else."""

    values: dict[Path, object] = field(default_factory=dict)
    sure: bool = False

    def text(self, *place: str | int) -> str | None:
        """The text at a place; None if there is none, or something else."""
        value = self.values.get(place)
        return value if isinstance(value, str) else None

    def has(self, *place: str | int) -> bool:
        """Something stands at that place, be it null."""
        return place in self.values


def look(body: bytes, wanted: Callable[[Path], bool], deepest: int, *, whole: bool = True) -> Found:
    """The values at the places that are `wanted`, which are at most `deepest` keys and indices deep. `whole`: the body
    is all there, and not the beginning of one."""
    found = Found()
    try:
        text, is_plain = _decoded(body, whole=whole)
        _Walk(text, wanted, deepest, found).run()
    except ValueError:
        return found  # with what came before the place where it could not be read
    found.sure = found.sure and whole and is_plain
    return found


def _decoded(body: bytes, *, whole: bool) -> tuple[str, bool]:
    """As `json` decodes bytes, and whether that is how everybody does: UTF-8. Raises ValueError."""
    encoding = json.detect_encoding(body)
    decoder = codecs.getincrementaldecoder(encoding)
    try:
        return decoder().decode(body, final=whole), encoding == "utf-8"
    except UnicodeDecodeError:
        return decoder("surrogatepass").decode(body, final=whole), False


class _Walk:
    """One pass. Raises ValueError where the text is not JSON, too deep or too long."""

    def __init__(self, text: str, wanted: Callable[[Path], bool], deepest: int, found: Found) -> None:
        self._text = text
        self._wanted = wanted
        self._deepest = deepest
        self._found = found
        self._at = 0
        self._left = _TOKENS
        self._twice = False
        self._path: list[str | int] = []  # keys and indices from the outside to where the walk is
        self._closers: list[str] = []

    def run(self) -> None:
        self._value(self._next())
        while self._closers:
            self._member()
        if not _REST.match(self._text, self._at):
            raise ValueError
        self._found.sure = not self._twice

    def _next(self) -> re.Match[str]:
        self._left -= 1
        token = _TOKEN.match(self._text, self._at)
        if token is None or self._left < 0:
            raise ValueError
        self._at = token.end()
        return token

    def _member(self) -> None:
        """Behind a member of the innermost list or object: its end, or the next one."""
        mark = self._next()["mark"]
        if mark == self._closers[-1]:
            self._close()
        elif mark == ",":
            where = self._path[-1]
            self._enter(self._next(), 0 if isinstance(where, str) else where + 1)
        else:
            raise ValueError

    def _enter(self, token: re.Match[str], index: int) -> None:
        """A member begins: `token` is its key, or its value."""
        if self._closers[-1] == "]":
            self._path[-1] = index
            self._value(token)
            return
        if token["string"] is None or self._next()["mark"] != ":":
            raise ValueError
        self._path[-1] = _string(token["string"]) if len(self._path) <= self._deepest else ""
        self._value(self._next())

    def _value(self, token: re.Match[str]) -> None:
        if len(self._path) <= self._deepest and self._wanted(path := tuple(self._path)):
            self._twice = self._twice or path in self._found.values
            self._found.values[path] = _scalar(token)
        if token["mark"]:
            self._open(token["mark"])

    def _open(self, mark: str) -> None:
        closer = {"{": "}", "[": "]"}.get(mark)
        if closer is None or len(self._closers) >= _DEPTH:
            raise ValueError
        self._closers.append(closer)
        self._path.append("" if closer == "}" else 0)
        first = self._next()
        if first["mark"] == closer:
            self._close()
        else:
            self._enter(first, 0)

    def _close(self) -> None:
        self._closers.pop()
        self._path.pop()


def _scalar(token: re.Match[str]) -> object:
    if token["string"] is not None:
        return _string(token["string"])
    word = token["word"]
    return COMPOUND if word is None or len(word) > _LONGEST_NUMBER else json.loads(word)


def _string(inner: str) -> str:
    if "\\" not in inner:
        return inner
    value: str = json.loads(f'"{inner}"')
    return value
