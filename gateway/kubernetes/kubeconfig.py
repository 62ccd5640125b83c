"""Access as `kubectl` has it: the current context of a kubeconfig file.

Client certificates, tokens and token files are understood. Plugins that run a program to get a token are refused, with
a line that says so: what runs unattended has a service account.
"""

from __future__ import annotations

import base64
import binascii
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from gateway.kubernetes.access import Access, NoAccess, TokenFile, verifying

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: What would change how we connect or who we are, and is not understood: passing over it would be wrong.
_REFUSED_OF_USERS = ("exec", "auth-provider", "username", "password", "as")
_REFUSED_OF_CLUSTERS = ("proxy-url", "tls-server-name")


def kubeconfig_path(environ: Mapping[str, str]) -> Path:
    """The file that `kubectl` would read. Raises NoAccess if `KUBECONFIG` names several: they are not merged."""
    named = environ.get("KUBECONFIG", "")
    if ":" in named.strip(":"):
        raise NoAccess("KUBECONFIG names several files; name one")
    return Path(named.strip(":")) if named else Path(environ.get("HOME", "/")) / ".kube" / "config"


def kubeconfig(path: Path, context: str | None = None) -> Access:
    """Access as this context of the file says (None: its current one). Raises NoAccess."""
    try:
        return _access(_File(path), context)
    except yaml.YAMLError as error:  # whose own words quote the file, tokens and all
        mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
        raise NoAccess(f"{path}: not YAML" + (f", line {mark.line + 1}" if mark else "")) from None
    except (OSError, ValueError) as error:
        raise NoAccess(f"{path}: {error}") from error


class _File:
    """A kubeconfig; its relative paths begin where it lies. Raises ValueError for what is not as it should be."""

    def __init__(self, path: Path) -> None:
        self._directory = path.parent
        self._content = _mapping(yaml.safe_load(path.read_text(encoding="utf-8")), "the file")

    def current_context(self) -> str:
        """The name of the context to use if none is named."""
        name = self._content.get("current-context")
        if not name:
            raise ValueError("it has no current-context")
        return str(name)

    def entry(self, kind: str, name: object) -> dict[str, Any]:
        """The cluster, the user or the context of this name."""
        for each in self._content.get(f"{kind}s") or ():
            if _mapping(each, kind).get("name") == name:
                return _mapping(each.get(kind), f"{kind} {name}")
        raise ValueError(f"it has no {kind} {name}")

    def path(self, entry: Mapping[str, Any], key: str) -> Path | None:
        """A file that an entry names."""
        return self._directory / str(entry[key]) if entry.get(key) else None

    def pem(self, entry: Mapping[str, Any], key: str) -> str | None:
        """PEM that an entry holds itself (`KEY-data`), or in a file (`KEY`)."""
        if data := entry.get(f"{key}-data"):
            try:
                return base64.b64decode(str(data), validate=True).decode("ascii")
            except (binascii.Error, UnicodeDecodeError) as error:
                raise ValueError(f"{key}-data is not PEM in base64") from error
        path = self.path(entry, key)
        return path.read_text(encoding="ascii") if path is not None else None


def _access(file: _File, context: str | None) -> Access:
    chosen = file.entry("context", context or file.current_context())
    cluster = file.entry("cluster", chosen.get("cluster"))
    user = file.entry("user", chosen.get("user"))
    _refuse(cluster, _REFUSED_OF_CLUSTERS, "cluster")
    _refuse(user, _REFUSED_OF_USERS, "user")
    server = str(cluster.get("server", "")).rstrip("/")
    if not server.startswith(("https://", "http://")):
        raise ValueError("the cluster has no server that begins with https://")
    tls = _tls(file, cluster, user) if server.startswith("https://") else None
    return Access(server, str(chosen.get("namespace") or "default"), tls, _token(file, user))


def _refuse(entry: Mapping[str, Any], keys: tuple[str, ...], kind: str) -> None:
    for key in keys:
        if entry.get(key):
            raise ValueError(f"the {kind} has {key!r}, which is not supported; use a token or a client certificate")


def _tls(file: _File, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext:
    context = verifying(ca_data=file.pem(cluster, "certificate-authority"))
    if cluster.get("insecure-skip-tls-verify"):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    certificate, key = file.pem(user, "client-certificate"), file.pem(user, "client-key")
    if certificate is not None and key is not None:
        _load(context, certificate, key)
    return context


def _load(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """OpenSSL takes them from a file only; ours is readable by us alone and gone afterwards."""
    with tempfile.NamedTemporaryFile("w", encoding="ascii") as file:
        file.write(f"{certificate}\n{key}")
        file.flush()
        context.load_cert_chain(file.name)


def _token(file: _File, user: Mapping[str, Any]) -> Callable[[], str | None]:
    if (path := file.path(user, "tokenFile")) is not None:
        return TokenFile(path)
    token = str(user["token"]) if user.get("token") else None
    return lambda: token


def _mapping(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is not a mapping")
    return value
