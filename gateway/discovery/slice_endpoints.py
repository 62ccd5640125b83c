"""Reads EndpointSlices as backends: pure, one Service's slices at a time.

Facts from Kubernetes' documentation of the API `discovery.k8s.io/v1`: a Service has several slices; an endpoint may for
a while be in two of them; a pod with two families of addresses is in slices of both; a condition that is missing means
ready, and not terminating.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gateway.core.records.listed import Listed
from gateway.core.records.networks import host_and_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.kubernetes.collection import KubeObject

#: One is taken, or a pod with both would be listed twice, and would work on two requests at once.
_FAMILIES = ("IPv4", "IPv6")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A pod behind a Service. Without a pod (somebody wrote the slice by hand) its address is all that is known."""

    listed: Listed
    ready: bool  # as its own readiness probe says
    terminating: bool  # it was told to end, and finishes what it has


def endpoints_of(
    slices: Iterable[KubeObject], port: str | int | None, direct_port: int | None = None
) -> list[Endpoint]:
    """All endpoints, each once. `port`: the name of a port in the slices, or the number of one of the pod's, in the
    slices or not; None: the only one. `direct_port`: where the pod takes requests without a slot, if that is another
    one."""
    slices = list(slices)
    for family in _FAMILIES:
        merged: dict[str, Endpoint] = {}
        for endpoint in _of_family(slices, family, port, direct_port):
            identity = endpoint.listed.identity
            merged[identity] = _both(merged[identity], endpoint) if identity in merged else endpoint
        if merged:
            return sorted(merged.values(), key=lambda each: (each.listed.name, each.listed.identity))
    return []


def ports_of(slices: Iterable[KubeObject]) -> list[str]:
    """The names of the ports that slices with endpoints have."""
    return sorted({str(each.get("name") or "") for one in slices if one.get("endpoints") for each in _tcp_ports(one)})


def _of_family(
    slices: Iterable[KubeObject], family: str, port: str | int | None, direct_port: int | None
) -> Iterator[Endpoint]:
    for each in slices:
        number = port if isinstance(port, int) else _number(each, port)
        if each.get("addressType") == family and number is not None:
            for said in each.get("endpoints") or ():
                yield from _endpoint(said, number, direct_port)


def _endpoint(said: dict[str, Any], port: int, direct_port: int | None) -> Iterator[Endpoint]:
    conditions, pod = said.get("conditions") or {}, said.get("targetRef") or {}
    for host in (said.get("addresses") or ())[:1]:  # consumers use the first; more than one means nothing
        address = host_and_port(host, port)
        listed = Listed(
            pod.get("uid") or address,
            address,
            pod.get("name") or address,
            direct_address=host_and_port(host, direct_port) if direct_port is not None else None,
        )
        yield Endpoint(listed, conditions.get("ready") is not False, conditions.get("terminating") is True)


def _both(one: Endpoint, other: Endpoint) -> Endpoint:
    """One of two slices may be older. Termination has no way back, so whichever says so is the newer."""
    return replace(one, ready=one.ready or other.ready, terminating=one.terminating or other.terminating)


def _number(one: KubeObject, name: str | None) -> int | None:
    """None: there is none of that name, or there are several and none is named."""
    found = [each["port"] for each in _tcp_ports(one) if name in (None, each.get("name") or "")]
    return found[0] if len(found) == 1 else None


def _tcp_ports(one: KubeObject) -> list[dict[str, Any]]:
    return [each for each in one.get("ports") or () if each.get("port") and each.get("protocol", "TCP") == "TCP"]
