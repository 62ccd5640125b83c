"""A Knative Service as the API server shows it: the session affinity that its annotations ask for. Reads only.

The annotations are those of Alibaba Cloud's ACK Knative; there they stand on the Service. One cookie leads to all its
revisions, so a single one is read for all of them: the Service's, else that of its template.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.knative.annotations import annotations_of, read_all
from gateway.knative.readers import cookie_name, one_of, whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.knative.precedence import IgnoredAnnotation

PREFIX = "serving.knative.dev.alibabacloud/"

_ANNOTATIONS = {
    "affinity": one_of("cookie"),
    "cookie_name": cookie_name,
    "cookie_timeout": whole(1),  # seconds
}


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """Facts of a Service. None: the Service does not say."""

    name: str
    namespace: str
    cookie: str | None = None
    session_ttl: int | None = None  # seconds
    ignored: tuple[IgnoredAnnotation, ...] = ()


def read_service(service: Mapping[str, Any]) -> ServiceFacts:
    """The facts of a `serving.knative.dev/v1` Service."""
    metadata = service["metadata"]
    template = (service.get("spec") or {}).get("template") or {}
    texts = {**annotations_of(template), **annotations_of(service)}
    told, ignored = read_all(texts, PREFIX, _ANNOTATIONS, f"service {metadata['name']}")
    return ServiceFacts(
        name=metadata["name"],
        namespace=metadata["namespace"],
        cookie=told.get("cookie_name"),
        session_ttl=told.get("cookie_timeout"),
        ignored=tuple(ignored),
    )
