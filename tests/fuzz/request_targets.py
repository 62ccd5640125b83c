"""Request targets: which are served, how they are split, and what is read into their paths.

data = method, a line break, target
"""

from __future__ import annotations

from gateway.core.routing import Route, Router, canonical_path, lenient_paths
from gateway.server import head_rules
from gateway.server.refusals import Refused

_HOST = b"sd.example:8080"
_ROUTER = Router([Route("api", prefixes=("/sdapi",)), Route("page")])

SEEDS = [
    b"GET\n/",
    b"GET\n/a%20b?c=%2F&d?e",
    b"OPTIONS\n*",
    b"GET\nhttp://SD.example:8080/sdapi/v1/options?x",
    b"GET\nhttp://sd.example:8080?x/y",
    b"GET\nhttps://u@sd.example:8080/",
    b"GET\n//a/../b;c/./%2e%2e/%252fd",
    b"GET\n/sdapi%2f..\\x%00%ff",
    b"GET\n/a#b",
    b"GET\n@evil",
]


def check(data: bytes) -> None:
    """Refused, or a path that everybody reads as we do."""
    method, _, target = data.partition(b"\n")
    try:
        path, query = head_rules.split_target(method, target, _HOST)
    except Refused:
        return
    assert b"#" not in target
    assert path.startswith(b"/") or (path, method) == (b"*", b"OPTIONS")
    assert b"?" not in path
    _check_whole(target, path, query)
    _check_readings(path)


def _check_whole(target: bytes, path: bytes, query: bytes) -> None:
    """Nothing is lost, nothing is made up."""
    rest = path + (b"?" + query if b"?" in target else b"")
    if target[:1] in b"/*":
        assert target == rest
    else:
        scheme, _, url = target.partition(b"://")
        assert scheme.lower() in (b"http", b"https")
        assert url[: len(_HOST)].lower() == _HOST, "of another host"
        assert url[len(_HOST) :] == (rest if url[len(_HOST) :].startswith(b"/") else rest.removeprefix(b"/"))


def _check_readings(raw: bytes) -> None:
    path, lenient = canonical_path(raw), lenient_paths(raw)
    assert all(
        reading.startswith("/") and "//" not in reading.rstrip("/") and "\\" not in reading for reading in lenient
    )
    assert _ROUTER.pool_for("sd.example", path or "/") in ("api", "page")
    if path is not None:
        assert path.startswith("/")
        assert path.isprintable() or not path.isascii()
        assert not {"", ".", ".."} & {*path.split("/")[1:-1]}, "a segment that some readers take away"
        assert canonical_path(path.replace("%", "%25").encode()) in (path, None), "of one spelling"
