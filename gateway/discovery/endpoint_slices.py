"""Backends that are the pods behind a Kubernetes Service, by its EndpointSlices. A pod is known by its UID: whoever has
its address afterwards is another one.

    in a slice, ready or not ── probed: ready as soon as the probe passes, before Kubernetes says so
    terminating              ── drains: no new requests, the old ones are finished
    in no slice any more     ── not listed

Pods do not vanish without a word: they are terminating first. If all of them do so at once, it is the list that is
doubted (a Service without its selector, a controller that starts from nothing, an API server restored from a backup).
Then those whose probes pass stay, each until its probe fails, and all for `grace` seconds at most: afterwards their
addresses might belong to somebody else. While the API server is away nothing is known to have changed, and everybody
stays for as long as that takes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import anyio
import structlog

from gateway.core.records.listed import BackendState
from gateway.discovery.slice_endpoints import endpoints_of, ports_of
from gateway.discovery.watched_listing import WatchedListing
from gateway.kubernetes.collection import Collection, Resource
from gateway.kubernetes.reflector import Reflector
from gateway.kubernetes.retry_delays import spread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anyio.abc import TaskGroup

    from gateway.core.records.listed import Listed
    from gateway.discovery.slice_endpoints import Endpoint
    from gateway.discovery.source import Reports, Watch
    from gateway.kubernetes.client import KubernetesClient
    from gateway.kubernetes.collection import KubeObject
    from gateway.kubernetes.reflector import ReflectorStatus

ENDPOINT_SLICES = Resource("discovery.k8s.io", "v1", "endpointslices")


@dataclass(frozen=True, slots=True)
class ServicePort:
    """Which pods, and where they listen."""

    namespace: str
    service: str
    port: str | int | None  # a port's name in the slices, or a number of the pod's; None: the only one
    direct_port: int | None = None  # where it takes requests without a slot, if that is another

    @property
    def slices(self) -> Collection:
        """The slices that say so."""
        return Collection(ENDPOINT_SLICES, self.namespace, labels=f"kubernetes.io/service-name={self.service}")


#: Pods that are remembered as seen, the latest ones: far more than there are at a time.
_SEEN = 10_000


@dataclass(slots=True, eq=False)
class _Member:
    endpoint: Endpoint
    passes: bool | None = None  # its probe; None: not known yet
    reported: BackendState | None = None


class EndpointSliceBackends:
    """A source. `believe_unready`: a pod that Kubernetes calls not ready is not, whatever our probe finds. By default
    the probe alone decides, as it does for Knative's activator, since it is faster and asks what we need to know."""

    def __init__(
        self,
        client: KubernetesClient,
        where: ServicePort,
        reports: Reports,
        watch: Watch,
        *,
        believe_unready: bool = False,
        grace: float = 60.0,
        jitter: Callable[[float], float] = spread,
    ) -> None:
        self._where = where
        self._reports = reports
        self._watch = watch
        self._believe_unready = believe_unready
        self._grace = grace
        self._reflector = Reflector(client, where.slices, self._heard, jitter=jitter)
        self._members: dict[str, _Member] = {}
        self._seen: dict[str, None] | None = None  # pods of the first list and since; None: there was none yet
        self._fresh: set[str] = set()  # pods that came later, and not ready: they have done nothing for anybody
        self._tasks: TaskGroup | None = None  # while it runs
        self._listing: WatchedListing | None = None
        self._doubt: anyio.CancelScope | None = None  # while an empty list is not believed
        self._offered: list[str] | None = None  # the ports there were when ours was missed
        self._log = structlog.get_logger().bind(namespace=where.namespace, service=where.service)

    @property
    def status(self) -> ReflectorStatus:
        """Whether the list is known to be true, and why not."""
        return self._reflector.status

    @property
    def stale(self) -> str | None:
        """The API server's answer, while it is no list. None: the list is true."""
        return self._reflector.status.stale

    async def run(self) -> None:
        """Keep the list true, until cancelled."""
        self._members, self._doubt = {}, None
        async with anyio.create_task_group() as self._tasks:
            self._listing = WatchedListing(self._tasks, self._reports, self._look_after)
            await self._reflector.run()

    # What the API server says

    def _heard(self, slices: list[KubeObject]) -> None:
        endpoints = endpoints_of(slices, self._where.port, self._where.direct_port)
        self._miss_port(slices if not endpoints else [])
        if endpoints or not (kept := self._serving()):
            self._believe()
            self._replace(endpoints)
        elif self._doubt is None:
            self._log.warning(
                "endpoints_vanished",
                means="no endpoint is listed any more, and none has said that it ends: the list is doubted",
                kept=[each.listed.name for each in kept],
                seconds=self._grace,
                do="look at the Service's selector; pods that answer are served on for so many seconds",
            )
            self._replace(kept)
            self._doubt = anyio.CancelScope()
            assert self._tasks is not None
            self._tasks.start_soon(self._give_up, self._doubt)

    def _miss_port(self, slices: list[KubeObject]) -> None:
        offered = ports_of(slices) or None
        if offered is not None and offered != self._offered:
            self._log.warning(
                "service_without_port",
                port=self._where.port,
                has=offered,
                do="name one that it has in the pool's backends, or add the port to the Service",
            )
        self._offered = offered

    def _serving(self) -> list[Endpoint]:
        """The last good set, as far as probes still call it good."""
        known = self._members.values()
        return [each.endpoint for each in known if each.passes and not each.endpoint.terminating]

    def _believe(self) -> None:
        if self._doubt is not None:
            self._doubt.cancel()
            self._doubt = None

    async def _give_up(self, doubt: anyio.CancelScope) -> None:
        with doubt:
            await anyio.sleep(self._grace)
            self._log.warning(
                "endpoints_given_up",
                backends=[each.listed.name for each in self._serving()],
                do="look at the Service's selector: endpoints are still missing, and its pods are believed gone now",
            )
            self._doubt = None
            self._replace([])

    # What the pool is told

    def _replace(self, endpoints: Iterable[Endpoint]) -> None:
        """Nobody is given to a pod between the news that it terminates and the list that it is on."""
        before, self._members = self._members, {each.listed.identity: _Member(each) for each in endpoints}
        for identity, member in self._members.items():
            old = before.get(identity)
            if old is not None and old.endpoint.listed.address == member.endpoint.listed.address:
                member.passes, member.reported = old.passes, old.reported
                self._tell(identity)
            elif old is not None:  # another port: what was found at the old one says nothing
                self._reports.set_state(identity, BackendState.STARTING)
        assert self._listing is not None
        self._note_fresh()
        self._listing.replace(
            [
                replace(member.endpoint.listed, fresh=identity in self._fresh)
                for identity, member in self._members.items()
            ]
        )
        for identity in self._members.keys() - before.keys():
            self._tell(identity)

    def _note_fresh(self) -> None:
        """A pod is known by its UID. One that was in the first list may work for the gateway before this one."""
        if self._seen is None:
            self._seen = dict.fromkeys(self._members)
        for identity in self._members.keys() - self._seen.keys():
            self._seen[identity] = None
            if not self._members[identity].endpoint.ready:
                self._fresh.add(identity)
        while len(self._seen) > _SEEN:
            del self._seen[next(iter(self._seen))]
        self._fresh &= self._members.keys()

    def _tell(self, identity: str) -> None:
        """What there is to say of it, if that is new."""
        member = self._members[identity]
        if member.endpoint.terminating:
            state = BackendState.DRAINING
        elif member.passes is None:
            return
        else:
            admitted = member.endpoint.ready or not self._believe_unready
            state = BackendState.READY if member.passes and admitted else BackendState.STARTING
        if state is not member.reported:
            member.reported = state
            self._reports.set_state(identity, state)

    # What probes say

    async def _look_after(self, backend: Listed, report: Callable[[bool], None]) -> None:
        """Also while it drains: its quarantines may end sooner. What is found is not reported as it is, but as it looks
        beside what the slices say."""
        await self._watch(backend, partial(self._probed, backend))

    def _probed(self, backend: Listed, passes: bool) -> None:
        member = self._members.get(backend.identity)
        if member is None or member.endpoint.listed.address != backend.address:
            return  # said while it was leaving
        member.passes = passes
        self._tell(backend.identity)
        if self._doubt is not None and not passes:
            kept = self._serving()
            if not kept:
                self._believe()
            self._replace(kept)
