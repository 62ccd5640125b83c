"""The lanes of A1111: no spelling of a path that some pod could take for a denied route is let through, and none that
it could take for work is exempt.

    data = method, a space, raw path

The readers below are pods and what may stand in front of them: each decodes, resolves and trims in its own way.
"""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from gateway.core.records.lanes import Lane
from gateway.profiles.a1111 import a1111

if TYPE_CHECKING:
    from collections.abc import Iterator

_TREAT = a1111().treat

_DENIED = frozenset((b"/sdapi/v1/server-kill", b"/sdapi/v1/server-stop", b"/internal/sysinfo", b"/sdapi/v1/cmd-flags"))
_WORK = frozenset((b"/sdapi/v1/txt2img", b"/sdapi/v1/img2img", b"/queue/join", b"/run/predict", b"/api/predict"))
_FREE = (Lane.EXEMPT, Lane.PASSIVE)

SEEDS = [
    b"POST /sdapi/v1/server-kill",
    b"POST /sdapi/v1/txt2img",
    b"GET /internal/sysinfo/",
    b"GET /sdapi/v1/options",
    b"POST /internal/progress",
    b"GET /file=/../sdapi/v1/cmd-flags",
    b"GET /assets/..%2fqueue/join",
    b"GET /static/%2e%2e/run//predict",
    b"POST /x%252f..%252fsdapi%255cv1;a/server%2dstop%00",
    b"HEAD /%69nternal/./sysinfo;x",
    b"OPTIONS //sdapi/v1/txt2img",
    b"get /sd_extra_networks/../api/predict",
]


def check(data: bytes) -> None:
    """One treatment for all spellings."""
    method, _, raw = data.partition(b" ")
    if not method.isalpha() or not raw.startswith(b"/"):
        return  # the listening side lets no other pass
    word = method.decode("ascii")
    treatment = _TREAT(word, raw)
    assert treatment == _TREAT(word, raw), "remembered otherwise"
    readings = {*_readings(raw)}
    if readings & _DENIED:
        assert treatment.lane is Lane.DENIED, readings & _DENIED
    elif readings & _WORK and word.upper() != "OPTIONS":
        assert treatment.lane not in _FREE, readings & _WORK


def _readings(raw: bytes) -> Iterator[bytes]:
    for rounds, trims, turns, merges, resolves in product((0, 1, 2), *[(False, True)] * 4):
        path = raw
        for _ in range(rounds):
            path = unquote_to_bytes(path)
        if turns:
            path = path.replace(b"\\", b"/")
        if trims:
            path = b"/".join(segment.partition(b";")[0] for segment in path.partition(b"\0")[0].split(b"/"))
        if merges:
            path = b"/" + b"/".join(segment for segment in path.split(b"/") if segment)
        yield _resolved(path) if resolves else path


def _resolved(path: bytes) -> bytes:
    """RFC 3986 5.2.4."""
    kept: list[bytes] = []
    for segment in path.split(b"/")[1:]:
        if segment == b"..":
            del kept[-1:]
        elif segment != b".":
            kept.append(segment)
    return b"/" + b"/".join(kept)
