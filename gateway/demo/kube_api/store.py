"""What a stand-in for Kubernetes' API server holds: objects of any kind, the version of each, and what has changed.

No sockets and no controllers: it keeps what it is given. Versions count up over all objects, as etcd's do. History may
be forgotten (`forget_history`), as etcd's is after five minutes.
"""

from __future__ import annotations

import copy
import uuid
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Object: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """Objects of one kind: `api` is the `apiVersion` ("v1", "apps/v1"), `plural` their name in paths."""

    api: str
    plural: str


@dataclass(frozen=True, slots=True)
class Change:
    """One step of history. `before` is None if the object was added, `after` if it was deleted; either is a copy that
    nobody changes."""

    version: int
    kind: Kind
    before: Object | None
    after: Object | None


class Missing(Exception):
    """There is no such object."""


class Clash(Exception):
    """It is not the object that was meant, or not that version of it."""


class Store:
    """All objects of a cluster."""

    def __init__(self) -> None:
        self.version = 0
        self.oldest = 0  # a watch from before this version has missed something
        self.changed = anyio.Event()  # a new one after each change
        self.patches: Counter[str] = Counter()  # by plural
        self._objects: dict[tuple[Kind, str, str], Object] = {}
        self._history: list[Change] = []

    def put(self, plural: str, content: Mapping[str, Any], *, namespace: str = "default") -> Object:
        """Create the object, or put this in its place; it keeps its UID then. Gives what is now there."""
        after = copy.deepcopy(dict(content))
        kind = Kind(after["apiVersion"], plural)
        metadata = after.setdefault("metadata", {})
        namespace = metadata.setdefault("namespace", namespace)
        before = self._objects.get((kind, namespace, metadata["name"]))
        metadata.setdefault("uid", before["metadata"]["uid"] if before else str(uuid.uuid4()))
        return self._commit(kind, before, after)

    def delete(self, kind: Kind, name: str, *, namespace: str = "default") -> None:
        """Raises Missing."""
        before = self.get(kind, name, namespace=namespace)
        del self._objects[kind, namespace, name]
        self._commit(kind, before, None)

    def get(self, kind: Kind, name: str, *, namespace: str = "default") -> Object:
        """Raises Missing."""
        try:
            return self._objects[kind, namespace, name]
        except KeyError as error:
            raise Missing(f'{kind.plural} "{name}" not found') from error

    def patch(self, kind: Kind, name: str, change: Mapping[str, Any], *, namespace: str = "default") -> Object:
        """Merge (RFC 7396). A UID or a version in it must be the object's. Raises Missing, Clash."""
        self.patches[kind.plural] += 1
        before = self.get(kind, name, namespace=namespace)
        for field in ("uid", "resourceVersion"):
            meant = change.get("metadata", {}).get(field)
            if meant is not None and meant != before["metadata"][field]:
                raise Clash(f'{kind.plural} "{name}": {field} is not {meant}')
        return self._commit(kind, before, merged(before, change))

    def all(self, kind: Kind, namespace: str | None) -> list[Object]:
        """In the order of their names; of one namespace, or of every."""
        found = {key: each for key, each in self._objects.items() if key[0] == kind and namespace in (None, key[1])}
        return [found[key] for key in sorted(found, key=lambda key: key[1:])]

    def since(self, version: int, kind: Kind, namespace: str | None) -> Iterator[Change]:
        """What has happened to objects of this kind after `version`."""
        for change in self._history:
            there = change.after or change.before or {}
            if change.version > version and change.kind == kind and namespace in (None, there["metadata"]["namespace"]):
                yield change

    def forget_history(self) -> None:
        """Whoever watches from an older version than the present one has to list again."""
        self._history.clear()
        self.oldest = self.version

    def _commit(self, kind: Kind, before: Object | None, after: Object | None) -> Object:
        self.version += 1
        if after is not None:
            metadata = after["metadata"]
            metadata["resourceVersion"] = str(self.version)
            self._objects[kind, metadata["namespace"], metadata["name"]] = after
        self._history.append(Change(self.version, kind, before, after))
        changed, self.changed = self.changed, anyio.Event()
        changed.set()
        return after or {}


def merged(target: Any, change: Any) -> Any:
    """RFC 7396: objects are merged, null removes, everything else replaces."""
    if not isinstance(change, dict):
        return copy.deepcopy(change)
    result = copy.deepcopy(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
