"""The traffic of a Route as its status shows it: shares, tags, and the hosts that tags are asked for by. Reads only;
who gets which revision is decided by `core/sessions/traffic.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What a cluster's own names may end in, besides nothing.
_CLUSTER_SUFFIXES = ("", ".svc", ".svc.cluster.local")


@dataclass(frozen=True, slots=True)
class Target:
    """One entry of the traffic. Several may name one revision."""

    revision: str
    percent: int = 0
    tag: str | None = None
    url: str | None = None  # of the tag


@dataclass(frozen=True, slots=True)
class Traffic:
    """Shares, tags and hosts of a Route."""

    targets: tuple[Target, ...]
    shares: Mapping[str, int]  # revision -> percent in all; 0: only by its tag, and for sessions it has
    tags: Mapping[str, str]  # tag -> revision: what `Knative-Serving-Tag` asks for
    hosts: Mapping[str, str]  # host -> the revision whose tag it is: lower case, without port


def read_traffic(route: Mapping[str, Any]) -> Traffic:
    """Of a `serving.knative.dev/v1` Route, or of a Service, whose status repeats it. Empty while there is none yet."""
    told = (route.get("status") or {}).get("traffic") or ()
    targets = tuple(_target(entry) for entry in told if entry.get("revisionName"))
    shares = dict.fromkeys((target.revision for target in targets), 0)
    for target in targets:
        shares[target.revision] += target.percent
    name, namespace = route["metadata"]["name"], route["metadata"]["namespace"]
    return Traffic(
        targets,
        shares,
        tags={target.tag: target.revision for target in targets if target.tag},
        hosts={host: target.revision for target in targets for host in _hosts(target, name, namespace)},
    )


def _target(entry: Mapping[str, Any]) -> Target:
    return Target(entry["revisionName"], int(entry.get("percent") or 0), entry.get("tag"), entry.get("url"))


def _hosts(target: Target, name: str, namespace: str) -> Iterator[str]:
    """The host of its URL, which any template may have made, and the cluster's own names by the usual one."""
    if not target.tag:
        return
    if target.url and (host := urlsplit(target.url).hostname):
        yield host
    yield from (f"{target.tag}-{name}.{namespace}{suffix}" for suffix in _CLUSTER_SUFFIXES)
