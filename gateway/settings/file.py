"""Reads the configuration file into plain values and remembers the place of each, for messages. Knows
YAML, and no key's meaning.

Scalars are read by YAML 1.2's core rules: `no`, `1:30` and `2024-01-01` are text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from gateway.settings.expansion import ExpansionError, expand, variables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

#: The way from the root of the file to a value: keys of mappings, indexes of lists.
Location = tuple[str | int, ...]

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
_INTEGER = re.compile(r"[-+]?[0-9]{1,30}")  # a longer one is a decimal: Python refuses to read the longest as integers
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_CREDENTIALS = re.compile(r"//[^/@\s]*@")

_SHOWN = 60  # characters of a value that a message repeats
_UNREAD = object()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the file, for people."""

    source: str  # the file's name as it was given
    line: int  # from 1; 0: the file as a whole
    column: int
    key: str  # dotted, "" for the file as a whole
    found: str
    expected: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.source}:{self.line}:{self.column}" if self.line else self.source
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}{self.key and ' ' + self.key}: found {self.found}, expected {self.expected}{hint}"


@dataclass(slots=True)
class Document:
    """The values of a file and their places. `unread`: places whose value could not be read; they are
    missing in `values`."""

    source: str
    is_secret: Callable[[Location], bool] = lambda location: False  # whose text no message may repeat
    values: dict[str, Any] | None = None  # None: the file could not be read at all
    problems: list[Problem] = field(default_factory=list)
    unread: set[Location] = field(default_factory=set)
    places: dict[Location, tuple[yaml.Node | None, yaml.Node]] = field(default_factory=dict)  # its key, its value

    def problem(self, at: Location, expected: str, found: str | None = None, hint: str = "") -> Problem:
        """A problem with the value at `at`. Without `found`, the text of the file is shown. A missing
        value is reported at the nearest place that exists."""
        if at in self.places:
            return self.problem_at(self.places[at][1], at, found or self._shown(at), expected, hint)
        above = next((at[:depth] for depth in range(len(at) - 1, 0, -1) if at[:depth] in self.places), ())
        key, value = self.places.get(above, (None, None))
        return self.problem_at(key or value, at, found or "nothing", expected, hint)

    def key_problem(self, at: Location, expected: str, hint: str = "") -> Problem:
        """A problem with the key at `at` itself."""
        return self.problem_at(self.places[at][0], at, quoted(str(at[-1])), expected, hint)

    def problem_at(self, node: yaml.Node | None, at: Location, found: str, expected: str, hint: str = "") -> Problem:
        """A problem with one node. No node: with the file as a whole."""
        line, column = (node.start_mark.line + 1, node.start_mark.column + 1) if node else (0, 0)
        return Problem(self.source, line, column, dotted(at), found, expected, hint)

    def text(self, at: Location) -> str:
        """A scalar as the file spells it; empty for any other value, for a secret and for what comes from the
        environment."""
        node = self.places[at][1] if at in self.places else None
        if not isinstance(node, yaml.ScalarNode) or self.is_secret(at) or variables(node.value):
            return ""
        return str(node.value)

    def _shown(self, at: Location) -> str:
        node = self.places[at][1]
        if not isinstance(node, yaml.ScalarNode):
            return "a mapping" if isinstance(node, yaml.MappingNode) else "a list"
        if self.is_secret(at):
            return "a value that is not shown"
        if node.style is None and (node.value == "" or not isinstance(_infer(node.value), str)):
            return node.value or "nothing"
        names = ", ".join(f"${name}" for name in variables(node.value))
        return quoted(node.value) + (f" (from {names})" if names else "")


def read(path: Path, environ: Mapping[str, str], is_secret: Callable[[Location], bool]) -> Document:
    """Read the file. What is wrong with it is in the document's `problems`: this raises nothing."""
    document = Document(str(path), is_secret)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        document.problems.append(_whole(document, f"no way to read it ({error.strerror})", "a file that can be read"))
    except UnicodeDecodeError:
        document.problems.append(_whole(document, "bytes that are not UTF-8", "YAML in UTF-8"))
    else:
        _read_text(document, text, environ)
    return document


def _read_text(document: Document, text: str, environ: Mapping[str, str]) -> None:
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        document.problems.append(_syntax_problem(document, text, error))
    else:
        _Reader(document, environ).read(root)


def dotted(at: Location) -> str:
    """`pools.sd.hosts[0]`"""
    words = [f"[{step}]" if isinstance(step, int) else f".{step}" for step in at]
    return "".join(word if word.isprintable() else f".{quoted(word[1:])}" for word in words).removeprefix(".")


def overlaps(location: Location, others: list[Location]) -> bool:
    """One of the others is this place, holds it, or lies in it."""
    return any(location[: len(other)] == other[: len(location)] for other in others)


def quoted(text: str) -> str:
    """Text from the file, fit for one line of a terminal."""
    text = _CREDENTIALS.sub("//***@", text)
    text = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return json.dumps(text, ensure_ascii=not text.isprintable())


class _Reader:
    """Fills a document from its nodes."""

    def __init__(self, document: Document, environ: Mapping[str, str]) -> None:
        self._document = document
        self._environ = environ
        self._within: set[int] = set()  # the nodes being read: an alias may point back at one of them

    def read(self, root: yaml.Node | None) -> None:
        if isinstance(root, yaml.MappingNode):
            self._document.values = self._mapping(root, ())
        elif root is None:
            self._document.values = {}
        else:
            self._document.problems.append(_whole(self._document, "YAML without keys", "a mapping"))

    def _value(self, node: yaml.Node, at: Location) -> Any:
        if node.tag not in _PLAIN_TAGS:
            return self._unread(at, "a value without a tag", f"the tag {quoted(node.tag)}")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, at)
        if id(node) in self._within:
            return self._unread(at, "no alias to what it is part of")
        self._within.add(id(node))
        value = self._mapping(node, at) if isinstance(node, yaml.MappingNode) else self._sequence(node, at)
        self._within.discard(id(node))
        return value

    def _mapping(self, node: yaml.MappingNode, at: Location) -> dict[str, Any]:
        document, values = self._document, dict[str, Any]()
        for key, value_node in node.value:
            if not isinstance(key, yaml.ScalarNode):
                document.problems.append(document.problem_at(key, at, "a key that is no plain word", "a plain key"))
                continue
            here = (*at, key.value)
            if here in document.places:
                document.problems.append(self._repeated(key, here))
                continue
            document.places[here] = (key, value_node)
            value = self._value(value_node, here)
            if value is not _UNREAD:
                values[key.value] = value
        return values

    def _repeated(self, key: yaml.Node, at: Location) -> Problem:
        first = self._document.places[at][0]
        line = first.start_mark.line + 1 if first else 0
        expected = f"each key once, and it is on line {line}"
        return self._document.problem_at(key, at, f"{quoted(str(at[-1]))} again", expected)

    def _sequence(self, node: yaml.Node, at: Location) -> Any:
        for index, item in enumerate(node.value):
            self._document.places[(*at, index)] = (None, item)
        values = [self._value(item, (*at, index)) for index, item in enumerate(node.value)]
        return _UNREAD if any(value is _UNREAD for value in values) else values

    def _scalar(self, node: yaml.ScalarNode, at: Location) -> Any:
        try:
            text = expand(node.value, self._environ)
        except ExpansionError as error:
            return self._unread(at, error.expected, hint=error.hint)
        return _infer(text) if node.style is None else text

    def _unread(self, at: Location, expected: str, found: str | None = None, hint: str = "") -> object:
        self._document.problems.append(self._document.problem(at, expected, found, hint))
        self._document.unread.add(at)
        return _UNREAD


#: BaseLoader resolves nothing: a node has another tag only if the file gives it one.
_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "seq", "map")}


def _infer(text: str) -> Any:
    """A plain scalar by YAML 1.2's core schema; infinities and the like are left as text, since no key
    takes one."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _DECIMAL.fullmatch(text) else text


def _whole(document: Document, found: str, expected: str) -> Problem:
    return Problem(document.source, 0, 0, "", found, expected)


def _syntax_problem(document: Document, text: str, error: yaml.YAMLError) -> Problem:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return _whole(document, "a character that YAML does not allow", "YAML")
    mark = error.problem_mark
    in_braces = "${" in "".join(text.splitlines()[mark.line : mark.line + 1])
    hint = "inside { } and [ ], ${...} needs quotes" if in_braces else ""
    found = f"broken YAML ({' '.join(filter(None, (error.context, error.problem)))})"
    return Problem(document.source, mark.line + 1, mark.column + 1, "", found, "YAML", hint)
