"""Which objects a list or a watch is about: equality of labels, and the name as a field. All else is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.demo.kube_api.store import Change, Object


class Selector:
    """Raises ValueError for what is not understood here."""

    def __init__(self, query: Mapping[str, str]) -> None:
        self._labels = _pairs(query.get("labelSelector", ""))
        self._fields = _pairs(query.get("fieldSelector", ""))
        if self._fields.keys() - {"metadata.name"}:
            raise ValueError("the only field known here is metadata.name")

    def __contains__(self, content: Object | None) -> bool:
        if content is None:
            return False
        metadata = content["metadata"]
        labels = metadata.get("labels", {})
        named = self._fields.get("metadata.name", metadata["name"]) == metadata["name"]
        return named and all(labels.get(name) == value for name, value in self._labels.items())

    def event(self, change: Change) -> tuple[str, Object] | None:
        """What a watch tells of the change. An object that leaves the selection is deleted, as seen from there."""
        if change.after is not None and change.after in self:
            return ("MODIFIED" if change.before in self else "ADDED"), change.after
        if change.before is not None and change.before in self:
            last = change.before
            return "DELETED", {**last, "metadata": {**last["metadata"], "resourceVersion": str(change.version)}}
        return None


def _pairs(text: str) -> dict[str, str]:
    pairs = {}
    for term in filter(None, text.split(",")):
        name, equals, value = term.replace("==", "=").partition("=")
        if not equals or name.endswith("!"):
            raise ValueError(f"{term!r}: only NAME=VALUE is known here")
        pairs[name] = value
    return pairs
