"""Rules on method and path, and the table that looks them up. They are a security boundary:

- rules that deny come first, wherever they stand, and are tried against every reading of the path, in small letters;
- then the first match wins, on the strict reading alone: a path of ambiguous spelling matches none of these, save a
  rule for names of the client's choice (`names_anything`) that is the first to match each of its readings. It is
  counted, too, if a rule that counts is the first to match any other reading;
- what no rule names is counted.

A rule of the configuration goes over the profile's and keeps what the profile knows of the route: with the same lane
it changes `when_busy` and `repeatable` alone, and to another lane it cannot move a route that jobs are followed by.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.core.routing import canonical_path, lenient_paths, plain_path
from gateway.profiles.treatment import Asked, Treatment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.profiles.treatment import Ask, More

ANY_METHOD = "*"

#: Clients choose paths, so what is remembered of them is bounded: this many, of at most so many bytes each.
REMEMBERED = 1024
REMEMBERED_LENGTH = 256

_ANYTHING = ".*"

COUNTED_BY_DEFAULT = Treatment(Lane.COUNTED, may_go_on=True, rule="default, since no rule names it")
_DENIED = Treatment(Lane.DENIED)


@dataclass(frozen=True, slots=True)
class Rule:
    """Requests of these methods (`*`: all) whose path matches `pattern` are treated so.

    A `*` at the end of the pattern stands for any rest, a `*` that is a whole segment elsewhere for one segment.
    """

    methods: frozenset[str]
    pattern: str
    lane: Lane
    when_busy: WhenBusy | None = None
    repeatable: bool = False
    more: More | None = None
    configured: bool = False  # it stands in the configuration, and not in a profile
    #: What `*` stands for is a name of the client's choice: a path of ambiguous spelling matches, too, if it does in
    #: each of its readings
    names_anything: bool = False
    names_no_route: bool = False  # it takes what nothing is known of
    rest: str = _ANYTHING  # what a `*` at the end stands for, as a regular expression

    @property
    def treatment(self) -> Treatment:
        """What a request that matches gets."""
        methods = ",".join(sorted(self.methods))
        chosen_by = f"{methods} {self.pattern}"
        return Treatment(self.lane, self.when_busy, self.repeatable, self.more, self.names_no_route, chosen_by)

    def is_for(self, method: str) -> bool:
        """HEAD is asked for with GET's rules: it costs a backend as much."""
        return ANY_METHOD in self.methods or method in self.methods or (method == "HEAD" and "GET" in self.methods)


def rule(
    match: str,
    lane: Lane,
    when_busy: WhenBusy | None = None,
    *,
    repeatable: bool = False,
    more: More | None = None,
    configured: bool = False,
    names_anything: bool = False,
    names_no_route: bool = False,
    rest: str = _ANYTHING,
) -> Rule:
    """A rule from its spelling, as in `parse_match`. Raises ValueError."""
    methods, pattern = parse_match(match)
    return Rule(methods, pattern, lane, when_busy, repeatable, more, configured, names_anything, names_no_route, rest)


def parse_match(match: str) -> tuple[frozenset[str], str]:
    """Methods and pattern of `GET /foo/*`, `GET,POST /foo` or `* /foo`. Raises ValueError that says what is
    expected."""
    methods, _, pattern = match.partition(" ")
    if not re.fullmatch(r"\*|[A-Z]+(,[A-Z]+)*", methods):
        raise ValueError('methods in capitals and a path, such as "GET /foo/*", "GET,POST /foo" or "* /foo"')
    if "%" in pattern or "?" in pattern or canonical_path(pattern.encode(errors="surrogateescape")) != pattern:
        raise ValueError("a decoded path that begins with / and has no query, escape, dot segment or empty segment")
    if "**" in pattern or any("*" in part and part != "*" for part in pattern.removesuffix("*").split("/")):
        raise ValueError('each "*" as a whole segment, or at the end of the path')
    return frozenset(methods.split(",")), pattern


def follows_jobs(treatment: Treatment, asked: Asked) -> bool:
    """Jobs are begun, followed or stopped by requests like `asked`, or files are made: a dialogue or a control is
    about them."""
    more = treatment.more
    if more is not None and more.ask is not None:
        more = more if more.dialogue is not None else more.ask(asked).more
    return more is not None and (more.dialogue is not None or more.control is not None)


class RuleTable:
    """Rules, made ready for looking up: exact paths by hash, patterns in order."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        listed = list(rules)
        self._denying = _Lookup(_in_small_letters(each) for each in listed if each.lane is Lane.DENIED)
        self._small = _Lookup(_in_small_letters(each) for each in listed if each.lane is not Lane.DENIED)
        self._others = _Lookup(each for each in listed if each.lane is not Lane.DENIED)
        self._known = _Lookup(each for each in listed if each.lane is not Lane.DENIED and not each.configured)
        self._remembered = lru_cache(REMEMBERED)(self._find)

    def treatment(self, method: str, raw_path: bytes) -> Treatment:
        """How to handle a request; `raw_path` is the path's own bytes, without the query."""
        if len(raw_path) > REMEMBERED_LENGTH or len(method) > REMEMBERED_LENGTH:
            return self._find(method, raw_path)
        return self._remembered(method, raw_path)

    def _find(self, method: str, raw_path: bytes) -> Treatment:
        path = canonical_path(raw_path)
        readings = lenient_paths(raw_path) if path is None else (path, *lenient_paths(raw_path))
        if any(self._denying.first(method.upper(), reading.lower()) for reading in readings):
            return _DENIED
        if path is None:
            return self._in_each_reading(method, raw_path, readings)
        found = self._others.first(method, path)
        if found is None or self._may_be_counted(found, method, readings):
            return COUNTED_BY_DEFAULT
        known = self._known.first(method, path) if found.configured else None
        if known is None:
            return found.treatment
        return _over(found.treatment, known.treatment, Asked(method, plain_path(raw_path)))

    def _may_be_counted(self, found: Rule, method: str, readings: Iterable[str]) -> bool:
        """To another reader the path is that of a counted rule."""
        if found.lane is Lane.COUNTED:
            return False
        others = (self._small.first(method, reading.lower()) for reading in readings)
        return any(other is not None and other.lane is Lane.COUNTED for other in others)

    def _in_each_reading(self, method: str, raw_path: bytes, readings: Iterable[str]) -> Treatment:
        """Of a path of ambiguous spelling: the rule that is the first to match each reading, if it takes such names. A
        NUL is in no name."""
        if b"%00" in raw_path or b"\0" in raw_path:
            return COUNTED_BY_DEFAULT
        found = {self._others.first(method, reading) for reading in readings}
        only = found.pop() if len(found) == 1 else None
        return only.treatment if only is not None and only.names_anything else COUNTED_BY_DEFAULT


def _in_small_letters(each: Rule) -> Rule:
    """On some disks, and to some servers, capitals are the same."""
    return replace(each, pattern=each.pattern.lower())


def _over(configured: Treatment, known: Treatment, asked: Asked) -> Treatment:
    """The configuration's treatment of a request that the profile knows, too."""
    if configured.lane is not known.lane:
        return known if follows_jobs(known, asked) else configured
    more = known.more
    if more is not None and more.ask is not None:
        more = replace(more, ask=_asking_over(configured, more.ask))
    return _with_choices(replace(known, more=more, rule=configured.rule), configured)


def _asking_over(configured: Treatment, ask: Ask) -> Ask:
    """The profile's answer, with the configuration's choices where that leaves the lane as it is."""

    def answer(asked: Asked) -> Treatment:
        told = ask(asked)
        return _with_choices(told, configured) if told.lane is configured.lane else told

    return answer


def _with_choices(known: Treatment, configured: Treatment) -> Treatment:
    when_busy = known.when_busy if configured.when_busy is None else configured.when_busy
    return replace(known, when_busy=when_busy, repeatable=known.repeatable or configured.repeatable)


class _Lookup:
    """The first of some rules that matches."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._exact: dict[str, list[tuple[int, Rule]]] = {}
        self._patterns: list[tuple[int, Rule, re.Pattern[str]]] = []
        for order, each in enumerate(rules):
            if "*" in each.pattern:
                self._patterns.append((order, each, _compiled(each.pattern, each.rest)))
            else:
                self._exact.setdefault(each.pattern, []).append((order, each))

    def first(self, method: str, path: str) -> Rule | None:
        exact_order, exact = next((entry for entry in self._exact.get(path, ()) if entry[1].is_for(method)), _NONE)
        for order, each, pattern in self._patterns:
            if order > exact_order:
                break
            if each.is_for(method) and pattern.fullmatch(path):
                return each
        return exact


_NONE: tuple[float, None] = (math.inf, None)


def _compiled(pattern: str, rest: str) -> re.Pattern[str]:
    stem, behind = (pattern[:-1], rest) if pattern.endswith("*") else (pattern, "")
    return re.compile(re.escape(stem).replace(r"\*", "[^/]+") + behind, re.DOTALL)
