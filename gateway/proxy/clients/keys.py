"""Keys of clients: who may come in, and by which name the gateway knows them.

A key comes as `Authorization: Bearer KEY`, as `X-API-Key: KEY`, or as the password of `Authorization: Basic`, which
browsers ask people for (RFC 6750, RFC 7617). What is kept of it is its SHA-256: keys are long and random, so there is
nothing to guess from that.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gateway.proxy.headers.forwarded import Header

_BEARER, _BASIC = b"bearer ", b"basic "
#: A longer value is no key of ours.
_LONGEST = 1024


class Known(NamedTuple):
    """A client whose key is known."""

    name: str
    headers: tuple[Header, ...]  # all that bring a key which is known

    @property
    def is_sent_by_browsers(self) -> bool:
        """Along with whatever a page asks for, also one of another site: a browser keeps what people typed."""
        return all(value.lower().startswith(_BASIC) for _, value in self.headers)


class ClientKeys:
    """The names of clients by the digests of their keys. `pass_on`: pods get the headers that brought a key."""

    def __init__(self, names: Mapping[bytes, str], *, pass_on: bool = False) -> None:
        """`names`: by SHA-256, 32 bytes."""
        self._names = dict(names)
        self.pass_on = pass_on

    def find(self, headers: Iterable[Header]) -> Known | None:
        """The client whose key these headers bring. None: they bring none that is known."""
        known = [(name, header) for key, header in _brought(headers) if (name := self._name_of(key)) is not None]
        return Known(known[0][0], tuple(header for _, header in known)) if known else None

    def _name_of(self, key: bytes) -> str | None:
        """As long for a key that is nearly right as for any other: digests are compared, and all of them."""
        digest = hashlib.sha256(key).digest()
        found = None
        for known, name in self._names.items():
            if hmac.compare_digest(known, digest):
                found = name
        return found


def brings_one(headers: Iterable[Header]) -> bool:
    """Whether the headers bring a key, known or not."""
    return next(_brought(headers), None) is not None


def _brought(headers: Iterable[Header]) -> Iterator[tuple[bytes, Header]]:
    for header in headers:
        name, value = header
        if len(value) > _LONGEST:
            continue
        if name == b"x-api-key":
            yield value.strip(), header
        elif name == b"authorization":
            scheme = value.lower()
            if scheme.startswith(_BEARER):
                yield value[len(_BEARER) :].strip(), header
            elif scheme.startswith(_BASIC) and (password := _password(value[len(_BASIC) :])):
                yield password, header


def _password(encoded: bytes) -> bytes:
    try:
        return base64.b64decode(encoded.strip(), validate=True).partition(b":")[2]
    except binascii.Error:
        return b""
