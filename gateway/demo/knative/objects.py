"""Objects as a cluster with Knative has them, as far as a gateway reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.demo.kube_api.store import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.demo.kube_api.store import Object

SERVING = "serving.knative.dev/v1"
SERVICES, ROUTES, REVISIONS = (Kind(SERVING, plural) for plural in ("services", "routes", "revisions"))
SLICES = Kind("discovery.k8s.io/v1", "endpointslices")
PODS = Kind("v1", "pods")

_SERVICE_LABEL = "serving.knative.dev/service"


def knative_service(name: str, annotations: Mapping[str, str]) -> Object:
    """The Service itself; its traffic stands in the Route."""
    return {"apiVersion": SERVING, "kind": "Service", "metadata": {"name": name, "annotations": dict(annotations)}}


def route(name: str, percents: Mapping[str, int], tags: Mapping[str, str]) -> Object:
    """`percents` by revision; `tags`: tag -> revision."""
    shares = [{"revisionName": revision, "percent": percent} for revision, percent in percents.items()]
    tagged = [
        {"revisionName": revision, "tag": tag, "percent": 0, "url": f"http://{tag}-{name}.default.example.com"}
        for tag, revision in tags.items()
    ]
    metadata = {"name": name, "labels": {_SERVICE_LABEL: name}}
    return {"apiVersion": SERVING, "kind": "Route", "metadata": metadata, "status": {"traffic": [*shares, *tagged]}}


def revision(
    name: str, service: str, *, user_port: int, concurrency: int, annotations: Mapping[str, str], **spec: Any
) -> Object:
    """`spec`: further fields, such as timeoutSeconds."""
    container = {"name": "user-container", "ports": [{"containerPort": user_port}]}
    metadata = {"name": name, "labels": {_SERVICE_LABEL: service}, "annotations": dict(annotations)}
    content = {"containerConcurrency": concurrency, "timeoutSeconds": 300, "containers": [container], **spec}
    return {"apiVersion": SERVING, "kind": "Revision", "metadata": metadata, "spec": content}


def pod(name: str) -> Object:
    """With nothing in it."""
    return {"apiVersion": PODS.api, "kind": "Pod", "metadata": {"name": name}}


def endpoint(name: str, uid: str, host: str, *, ready: bool, terminating: bool) -> Object:
    """A pod behind its revision's private service."""
    return {
        "addresses": [host],
        "conditions": {"ready": ready, "serving": ready or terminating, "terminating": terminating},
        "targetRef": {"kind": "Pod", "namespace": "default", "name": name, "uid": uid},
    }


def endpoint_slice(revision_name: str, endpoints: Iterable[Object], port: int) -> Object:
    """The private service's: the queue-proxy's port is called http."""
    service = f"{revision_name}-private"
    return {
        "apiVersion": SLICES.api,
        "kind": "EndpointSlice",
        "metadata": {"name": f"{service}-1", "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "endpoints": list(endpoints),
        "ports": [{"name": "http", "port": port, "protocol": "TCP"}],
    }
