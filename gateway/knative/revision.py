"""A Revision as the API server shows it: what its pods may be given, where they listen, how they are scaled. Reads, and
decides nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.knative.annotations import annotations_of
from gateway.knative.autoscaling import ClusterAutoscaling, RevisionAutoscaling, read_autoscaling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.knative.precedence import IgnoredAnnotation

#: The queue-proxy's ports (pkg/networking/constants.go), by the name that the revision gives its own, and the names
#: that the private service has for them.
_POD_PORTS = {"http1": (8012, "http"), "h2c": (8013, "http2")}
_DEFAULT_USER_PORT = 8080

_LONGEST_NAME = 63
_MD5_LENGTH = 32


@dataclass(frozen=True, slots=True)
class RevisionFacts:
    """Facts of a revision. Seconds; None: the revision sets no limit."""

    name: str
    namespace: str
    concurrency: int  # containerConcurrency; 0: no limit
    timeout: float | None
    response_start_timeout: float | None
    idle_timeout: float | None
    user_port: int  # of the user's container, past the queue-proxy
    pod_port: int  # of the queue-proxy
    pod_port_name: str  # what the private service and its EndpointSlices call it
    private_service: str
    needs_ready: bool  # a pod that passes the activator's probe may not be ready all the same
    autoscaling: RevisionAutoscaling
    ignored: tuple[IgnoredAnnotation, ...] = ()
    problem: str | None = None  # why it cannot be served


def read_revision(revision: Mapping[str, Any], cluster: ClusterAutoscaling) -> RevisionFacts:
    """The facts of a `serving.knative.dev/v1` Revision. Fields that it lacks have been left out by Knative's admission,
    which writes the defaults into it: absent or 0 is off."""
    metadata, spec = revision["metadata"], revision.get("spec") or {}
    containers = spec.get("containers") or []
    name, concurrency = metadata["name"], int(spec.get("containerConcurrency") or 0)
    protocol, user_port = _port(containers)
    pod_port, pod_port_name = _POD_PORTS[protocol]
    autoscaling, ignored = read_autoscaling(annotations_of(revision), concurrency, cluster, f"revision {name}")
    return RevisionFacts(
        name=name,
        namespace=metadata["namespace"],
        concurrency=concurrency,
        timeout=_seconds(spec, "timeoutSeconds"),
        response_start_timeout=_seconds(spec, "responseStartTimeoutSeconds"),
        idle_timeout=_seconds(spec, "idleTimeoutSeconds"),
        user_port=user_port,
        pod_port=pod_port,
        pod_port_name=pod_port_name,
        private_service=private_service(name),
        needs_ready=any(map(_hides_from_the_probe, containers)),
        autoscaling=autoscaling,
        ignored=ignored,
        problem=_no_http2(name) if protocol == "h2c" else None,
    )


def private_service(revision: str) -> str:
    """The service that always leads to the pods: `<revision>-private`; a name that would be too long is cut, and made
    unique by a digest (knative.dev/pkg/kmeta, ChildName)."""
    suffix = "-private"
    if len(revision) + len(suffix) <= _LONGEST_NAME:
        return revision + suffix
    digest = hashlib.md5(revision.encode(), usedforsecurity=False).hexdigest()
    return revision[: _LONGEST_NAME - _MD5_LENGTH - len(suffix)] + digest + suffix


def _seconds(spec: Mapping[str, Any], field: str) -> float | None:
    return float(spec[field]) if spec.get(field) else None


def _port(containers: list[Mapping[str, Any]]) -> tuple[str, int]:
    """Of the one container that has a port; what is not called h2c is http1."""
    for port in _ports(containers):
        return "h2c" if port.get("name") == "h2c" else "http1", int(port.get("containerPort") or _DEFAULT_USER_PORT)
    return "http1", _DEFAULT_USER_PORT


def _ports(containers: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for container in containers:
        yield from container.get("ports") or ()


def _hides_from_the_probe(container: Mapping[str, Any]) -> bool:
    """The queue-proxy answers for neither of these (pkg/activator/net/revision_backends.go)."""
    return "exec" in (container.get("readinessProbe") or ()) or bool(container.get("startupProbe"))


def _no_http2(name: str) -> str:
    return f"revision {name}: found a port named h2c, expected http1: the gateway speaks HTTP/1.1 to pods"
