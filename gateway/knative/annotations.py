"""Reads annotations as values: looks each up under every spelling of its name, by a table, and lists those that make
no sense.

Knows how a key is found, not what any key means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.knative.precedence import IgnoredAnnotation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    #: Field of ours -> how the value is spelled. Annotations have the field's name in kebab case.
    Table = Mapping[str, Callable[[str], Any]]


def read_all(
    texts: Mapping[str, str], prefix: str, table: Table, of: str
) -> tuple[dict[str, Any], list[IgnoredAnnotation]]:
    """What is told under `prefix`, by field, and what cannot be used. `of`: whose they are, for people."""
    values, ignored = dict[str, Any](), list[IgnoredAnnotation]()
    for field, read in table.items():
        key = next((key for key in spellings(prefix, field) if key in texts), None)
        if key is None:
            continue
        try:
            values[field] = read(texts[key])
        except ValueError as error:
            ignored.append(IgnoredAnnotation(of, key, texts[key], str(error)))
    return values, ignored


def spellings(prefix: str, field: str) -> Iterator[str]:
    """The names of an annotation, the one that wins first: `max-scale`, then `maxScale` (pkg/apis/autoscaling)."""
    first, *others = field.split("_")
    yield prefix + "-".join((first, *others))
    if others:
        yield prefix + first + "".join(word.capitalize() for word in others)


def annotations_of(thing: Mapping[str, Any]) -> Mapping[str, str]:
    """The annotations of any object of the cluster; it may have none."""
    annotations: Mapping[str, str] = (thing.get("metadata") or {}).get("annotations") or {}
    return annotations
