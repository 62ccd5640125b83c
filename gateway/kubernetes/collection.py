"""Names of what Kubernetes' API has: kinds of objects, and the objects of one kind in one namespace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

#: An object as the API server writes it.
KubeObject: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of object, by the name it has in paths and in roles."""

    group: str  # "" for the core group
    version: str
    plural: str

    def __str__(self) -> str:
        """As `kubectl` writes it: "endpointslices.discovery.k8s.io"."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


@dataclass(frozen=True, slots=True)
class Collection:
    """Objects of one kind in one namespace; all of them, or those that the selectors name.

    A list or a watch of one object by its name (`fields="metadata.name=NAME"`) is also allowed by a role that names
    that object alone.
    """

    resource: Resource
    namespace: str
    labels: str = ""  # a label selector
    fields: str = ""  # a field selector

    @property
    def path(self) -> str:
        """The path at which the collection is listed and watched."""
        resource = self.resource
        api = f"/apis/{resource.group}/{resource.version}" if resource.group else f"/api/{resource.version}"
        return f"{api}/namespaces/{self.namespace}/{resource.plural}"

    @property
    def selectors(self) -> dict[str, str]:
        """The selectors as query parameters."""
        named = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {name: selector for name, selector in named.items() if selector}
