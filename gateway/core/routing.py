"""Routes a request to its pool by host and path, and decodes the path.

Two readings of a path, and which to use is a matter of safety. `canonical_path` is strict: the path as the pod will
read it, or None where two readers could disagree; rules that *allow* something look at this one. `lenient_paths` is
generous: what the most obliging reader could make of it; rules that *deny* look at those too. The pod gets the bytes
as sent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Rounds of percent-decoding that `lenient_paths` undertakes. Each costs passes over a target that a client chose.
_DECODING_ROUNDS = 8

_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ENCODED_SEPARATOR = re.compile(rb"%(?:2f|5c)", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: What a second decoding would turn into a separator, a dot, a NUL or another percent sign.
_ENCODED_TWICE = re.compile(r"%(?:2e|2f|5c|00|25)", re.IGNORECASE)
#: What a path may have as it is (RFC 3986 3.3), besides letters, digits and what `quote` knows.
_PLAIN = "/!$&'()*+,;=:@"


@dataclass(frozen=True, slots=True)
class Route:
    """The hosts and paths of one pool. No hosts: every host. No prefixes: every path."""

    pool: str
    hosts: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


class Router:
    """Host and path to the name of a pool."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Raises ValueError when two routes claim the same host and path."""
        by_host: dict[str | None, dict[str, str]] = {}
        for route in routes:
            for host in route.hosts or (None,):
                claims = by_host.setdefault(host if host is None else bare_host(host), {})
                for prefix in route.prefixes or ("",):
                    owner = claims.setdefault(prefix.rstrip("/"), route.pool)
                    if owner != route.pool:
                        raise ValueError(f"pools {owner} and {route.pool} claim the same host and path")
        self._by_host = {host: sorted(claims.items(), key=_longest_first) for host, claims in by_host.items()}

    def pool_for(self, host: str, path: str) -> str | None:
        """The pool that claims this host, then the one that claims every host; in each the longest prefix of the
        decoded path. None: nobody's."""
        for key in (bare_host(host), None):
            for prefix, pool in self._by_host.get(key, ()):
                if not prefix or path == prefix or path.startswith(prefix + "/"):
                    return pool
        return None


def bare_host(host: str) -> str:
    """A Host header in lower case without port and trailing dot: what hosts are compared by."""
    name, bracket, _ = host.partition("]") if host.startswith("[") else (host.partition(":")[0], "", "")
    return (name + bracket).lower().removesuffix(".")


def canonical_path(raw: bytes) -> str | None:
    """The path decoded once; None if its spelling is ambiguous.

    Ambiguous are: an encoded slash, a backslash, a control byte, a dot segment (with parameters, too) and an empty
    segment, each plain or encoded, once or twice; a percent sign that encodes nothing; bytes that are not UTF-8; and
    what does not begin with a slash.
    """
    if not raw.startswith(b"/") or _BAD_PERCENT.search(raw) or _ENCODED_SEPARATOR.search(raw):
        return None
    try:
        path = unquote_to_bytes(raw).decode()
    except UnicodeDecodeError:
        return None
    if "\\" in path or _CONTROL.search(path) or _ENCODED_TWICE.search(path):
        return None
    if "//" in path or any(_is_dots(segment) for segment in path.split("/")):
        return None
    return path


def plain_path(raw: bytes) -> bytes:
    """The path with nothing encoded that need not be (RFC 3986 6.2.2.2), so that all spellings of a route are one; as
    it is if its spelling is ambiguous."""
    path = canonical_path(raw) if b"%" in raw else None
    return raw if path is None else quote(path, safe=_PLAIN).encode()


def lenient_paths(raw: bytes) -> tuple[str, ...]:
    """The path after each round of decoding, control characters dropped, backslashes turned, slashes collapsed and
    parameters taken off: with its dot segments left in place and resolved, with and without the spaces and dots at a
    name's end, which Windows does not see, each also without its last slash. Where there is a NUL, the same of what
    stands before it: to some readers that is all. Capitals stay: who compares does so in small letters."""
    readings: dict[str, None] = {}
    for _ in range(_DECODING_ROUNDS):
        decoded = unquote_to_bytes(raw)
        path = decoded.decode(errors="replace").replace("\\", "/")
        shorter, nul, _ = path.partition("\0")
        for text in (path, shorter) if nul else (path,):
            readings.update(dict.fromkeys(_lenient(text)))
        if decoded == raw:
            break
        raw = decoded
    return tuple(readings)


def _lenient(path: str) -> list[str]:
    path = _CONTROL.sub("", path)
    segments = [name for segment in path.split("/") if (name := segment.partition(";")[0])]
    trimmed = [name for segment in segments if (name := _trimmed(segment))]
    readings = ["/" + "/".join(kept) for names in (segments, trimmed) for kept in (names, _resolved(names))]
    if path.endswith("/"):
        readings += [reading + "/" for reading in readings if reading != "/"]
    return readings


def _trimmed(name: str) -> str:
    """A name that is all dots is another one without them."""
    return name.rstrip(" .") or name.rstrip(" ")


def _longest_first(claim: tuple[str, str]) -> int:
    return -len(claim[0])


def _is_dots(segment: str) -> bool:
    return segment.partition(";")[0] in (".", "..")


def _resolved(segments: Iterable[str]) -> list[str]:
    kept: list[str] = []
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    return kept
