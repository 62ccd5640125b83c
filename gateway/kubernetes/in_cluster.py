"""Access from within a pod: the service account that Kubernetes mounts into it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from gateway.kubernetes.access import Access, NoAccess, TokenFile, verifying

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Where the kubelet mounts it; see "Accessing the Kubernetes API from a Pod" in Kubernetes' documentation.
MOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def is_in_cluster(environ: Mapping[str, str]) -> bool:
    """We run in a pod."""
    return "KUBERNETES_SERVICE_HOST" in environ


def in_cluster(environ: Mapping[str, str], mount: Path = MOUNT) -> Access:
    """Access as this pod's service account. The token is read anew as it rotates. Raises NoAccess."""
    try:
        host, port = environ["KUBERNETES_SERVICE_HOST"], environ["KUBERNETES_SERVICE_PORT"]
    except KeyError as error:
        raise NoAccess(f"not in a pod: {error.args[0]} is not set") from error
    token = TokenFile(mount / "token")
    try:
        token()
        tls = verifying(ca_file=mount / "ca.crt")
        namespace = (mount / "namespace").read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise NoAccess(f"the pod's service account cannot be read (automountServiceAccountToken?): {error}") from error
    where = f"[{host}]" if ":" in host else host
    return Access(f"https://{where}:{port}", namespace, tls, token)
