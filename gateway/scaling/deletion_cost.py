"""Writes the pods' deletion costs: when replicas go down, Kubernetes ends those of the lowest
`controller.kubernetes.io/pod-deletion-cost` first. (After those that are not ready, whatever their cost; and it
is a wish, not a promise: see "Pod deletion cost" in Kubernetes' documentation of ReplicaSets.)

That documentation asks not to update it often. So costs are coarse, only changes are written, and only so many at a
time, the largest first; before replicas go down by our own doing, all of them (`write_all`). Two rules keep a busy
pod from being the cheap one: the cost of a pod whose turn begins is raised at once, and a cost is lowered only when
the pod has rested for a while, so that a pod which is idle for a moment between two jobs is written to once and not
twice a job. The right to patch pods is optional: without it Kubernetes chooses as ever.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import structlog

from gateway.kubernetes.collection import Collection, Resource
from gateway.kubernetes.errors import ApiError, Conflict, Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.core.records.backends_and_tickets import Backend
    from gateway.kubernetes.client import KubernetesClient

PODS = Resource("", "v1", "pods")

ANNOTATION = "controller.kubernetes.io/pod-deletion-cost"

#: Work outweighs any number of sessions; the sum stays within 32 bits.
_OF_WORK = 1_000_000
_MOST_WORK = 2_000

#: Seconds between two looks, and how many pods are written to at each.
_LOOK_EVERY = 10.0
_AT_A_TIME = 10

#: Seconds that a pod has had no work before its cost is lowered.
RESTED = 15.0

#: Seconds until a right that was missing is tried again.
_WITHOUT_RIGHT = 600.0


@dataclass(frozen=True, slots=True)
class PodCost:
    """The cost of losing one pod."""

    uid: str
    name: str
    cost: int
    rested: float = math.inf  # seconds without work


def deletion_cost(work: int, sessions: int) -> int:
    """`work`: requests that would be lost. Live sessions count in powers of two: one more or less among many is no
    reason to write."""
    power_of_two = (1 << sessions.bit_length()) >> 1
    return min(work, _MOST_WORK) * _OF_WORK + min(power_of_two, _OF_WORK - 1)


def costs_of(backends: Iterable[Backend], now: float) -> list[PodCost]:
    """The costs of those backends that are pods. A quarantined slot may still be at work; an unlisted backend is
    beyond our reach."""
    return [
        PodCost(each.identity, each.name, deletion_cost(_work_of(each), each.sessions), now - each.idle_since)
        for each in backends
        if each.listed and each.identity != each.address
    ]


def _work_of(backend: Backend) -> int:
    return max(len(backend.in_flight) + len(backend.quarantines), int(backend.is_busy))


class DeletionCosts:
    """Writes the costs of the pods in one namespace, as `costs` says they are."""

    def __init__(self, client: KubernetesClient, namespace: str, costs: Callable[[], Iterable[PodCost]]) -> None:
        self._client = client
        self._collection = Collection(PODS, namespace)
        self._costs = costs
        self._written: dict[str, int | None] = {}  # by UID. One we know nothing of may have any: from before we were
        self._begun: set[str] = set()  # identities of pods whose turn has begun, and whose cost says so not yet
        self._has_begun = anyio.Event()
        self._forbidden_at: float | None = None
        self._error = ""
        self._log = structlog.get_logger().bind(namespace=namespace)

    async def run(self) -> None:
        """Keep them true, roughly, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._write_begun)
            while True:
                await self.write_some()
                await anyio.sleep(_LOOK_EVERY)

    def began(self, identity: str) -> None:
        """A turn has begun on this pod. Cheap: call it for each."""
        if (self._written.get(identity) or 0) < _OF_WORK:
            self._begun.add(identity)
            self._has_begun.set()

    async def write_some(self) -> None:
        """Write the largest changes. Raises nothing."""
        await self._write(_AT_A_TIME, rested=RESTED)

    async def _write_begun(self) -> None:
        while True:
            await self._has_begun.wait()
            self._has_begun = anyio.Event()
            begun, self._begun = self._begun, set()
            await self._write(None, only=begun)

    async def write_all(self) -> None:
        """Make them true now, as far as that is possible. Raises nothing."""
        await self._write(None)

    async def take_back(self) -> None:
        """Nobody will keep them true any more: pods that were dear are as others again. Raises nothing."""
        for each in self._costs():
            if self._written.get(each.uid) and (self._is_forbidden() or not await self._patch(each, None)):
                return

    async def _write(self, most: int | None, *, rested: float = 0.0, only: set[str] | None = None) -> None:
        """`rested`: seconds without work before a cost is lowered. `only`: these pods alone."""
        costs = {each.uid: each for each in self._costs()}
        self._written = {uid: self._written.get(uid) for uid in costs}
        changed = [
            each
            for uid, each in costs.items()
            if self._is_to_be_written(each, rested) and (only is None or uid in only)
        ]
        for each in sorted(changed, key=self._urgency, reverse=True)[:most]:
            if self._is_forbidden() or not await self._patch(each, each.cost):
                return

    def _is_to_be_written(self, pod: PodCost, rested: float) -> bool:
        written = self._written[pod.uid]
        return written is None or pod.cost > written or (pod.cost < written and pod.rested >= rested)

    def _urgency(self, pod: PodCost) -> int:
        written = self._written[pod.uid]
        return abs(pod.cost - written) if written is not None else pod.cost

    async def _patch(self, pod: PodCost, cost: int | None) -> bool:
        """Whether it makes sense to go on with the next. `cost` None: as if nobody had ever said one."""
        change = {"metadata": {"uid": pod.uid, "annotations": {ANNOTATION: None if cost is None else str(cost)}}}
        try:
            await self._client.patch(self._collection, pod.name, change)
        except (NotFound, Conflict):
            pass  # it has gone, or another has its name: discovery will say so
        except ApiError as error:
            self._failed(error)
            return False
        self._written[pod.uid] = cost
        self._error = ""
        return True

    def _failed(self, error: ApiError) -> None:
        missing = error.question.right if isinstance(error, Forbidden) else None
        if missing is not None:
            self._forbidden_at = anyio.current_time()
        what = missing or str(error)  # the message names one pod, the right is missing for all
        if what != self._error:
            self._log.warning(
                "deletion_cost_fails",
                error=str(error),
                missing_right=missing,
                do="give the gateway that right, or set deletion_cost: false; until then scaling in may take busy pods",
            )
        self._error = what

    def _is_forbidden(self) -> bool:
        return self._forbidden_at is not None and anyio.current_time() - self._forbidden_at < _WITHOUT_RIGHT
