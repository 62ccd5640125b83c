"""The plan of a load run: the options of `hey`, as values. Sends nothing and reads no file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110: methods and names of fields
_FIELD_VALUE = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f]*")


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """`concurrency` workers share `requests`; each sends its next request when its last was answered (a closed loop).

    Raises ValueError, with a sentence for the user, for a plan that cannot be carried out.
    """

    url: str
    requests: int = 200
    concurrency: int = 50
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    timeout: float = 20.0  # seconds a request, from connecting to the last byte; 0: none
    cookies: bool = False  # each worker keeps cookies as a browser does; hey keeps none
    ops: str | None = None  # URL of the operators' port; None: it is not read

    def __post_init__(self) -> None:
        _check_url("URL", self.url)
        if self.ops is not None:
            _check_url("operators' URL", self.ops)
        if self.concurrency < 1:
            raise ValueError(f"the number of workers must be at least 1, not {self.concurrency}")
        if self.requests < self.concurrency:
            raise ValueError(f"{self.requests} requests are fewer than {self.concurrency} workers")
        if not self.timeout >= 0:
            raise ValueError(f"a timeout is a number of seconds, 0 for none, not {self.timeout}")
        if not _TOKEN.fullmatch(self.method):
            raise ValueError(f"not a method: {self.method!r}")


def parse_header(line: str) -> tuple[str, str]:
    """`K: V` as a pair. Raises ValueError for what is not a header."""
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN.fullmatch(name) or not _FIELD_VALUE.fullmatch(value):
        raise ValueError(f"not a header (expected 'Name: value'): {line!r}")
    return name, value.strip()


def _check_url(what: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        complete = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # of the host in brackets, or of the port
        complete = False
    if not complete or any(character <= " " for character in url):
        raise ValueError(f"the {what} must look like http://host:port/path, not {url!r}")
