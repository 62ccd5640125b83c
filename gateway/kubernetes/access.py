"""Access to an API server: its address, and the gateway's credentials. in_cluster.py and kubeconfig.py read where
that is written."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class NoAccess(Exception):
    """Nothing usable says how to reach an API server; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Access:
    """One cluster, as one user."""

    server: str  # URL without a slash at its end
    namespace: str  # the one meant if none is named
    tls: ssl.SSLContext | None  # None: plain HTTP
    token: Callable[[], str | None]  # for the next request; None: there is none. Raises OSError


class TokenFile:
    """A token that is replaced while we run: read anew for each request. Those are rare, and the file is small and in
    memory."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> str:
        """The token in force. Raises OSError."""
        return self._path.read_text(encoding="ascii").strip()


def verifying(*, ca_file: Path | None = None, ca_data: str | None = None) -> ssl.SSLContext:
    """Trusts this CA alone; without one, the system's. Raises OSError (of which SSLError is one)."""
    context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None, cadata=ca_data)
    # Since Python 3.13 the default asks for extensions that the CAs of many clusters do not have.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context
