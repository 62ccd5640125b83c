"""The gateway's promises as numbers, counted where they can be broken: at the pods and at the clients."""

from __future__ import annotations

from collections import Counter
from dataclasses import astuple, dataclass
from itertools import pairwise
from operator import add
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.doubles.fault_pod import FaultPod
    from tests.doubles.pod_behaviours import Job
    from tests.system.running_gateway import RunningGateway


@dataclass(frozen=True, slots=True)
class Broken:
    """How often each promise was broken."""

    double_runs: int = 0  # a pod was given a job while it had one
    sent_twice: int = 0  # a job came to a pod, and had been sent to one before
    missing: int = 0  # a request was sent, and nothing is known of its end
    leaked: int = 0  # slots that nobody holds and nobody gets
    inversions: int = 0  # a pod was given a job that had come before its last one

    def __add__(self, other: Broken) -> Broken:
        return Broken(*map(add, astuple(self), astuple(other)))


NOTHING = Broken()


async def broken(gateway: RunningGateway, pods: Sequence[FaultPod], *, sent: int, quiet_within: float = 15.0) -> Broken:
    """Count when all is quiet. `sent`: requests whose head the gateway has got, as the clients have counted."""
    view = await gateway.until(is_quiet, within=quiet_within)
    return Broken(
        double_runs=sum(pod.double_runs for pod in pods),
        sent_twice=sent_twice(job.key for pod in pods for job in pod.jobs),
        missing=sent - round(await gateway.total("gateway_requests_total")),
        leaked=view["slots"] - view["free"],
        inversions=sum(inversions(pod.jobs) for pod in pods),
    )


def is_quiet(view: dict[str, Any]) -> bool:
    """Nobody waits, nothing works, nothing is held."""
    line = view["line"]
    held = (line["waiting"], line["waiting_exempt"], line["uploading"], line["bytes_held"])
    return not (any(held) or view["in_flight"] or view["quarantined"] or any(b["exempt"] for b in view["backends"]))


def sent_twice(keys: Iterable[str]) -> int:
    """Jobs beyond the first of each key."""
    return sum(count - 1 for count in Counter(keys).values())


def inversions(jobs: Sequence[Job]) -> int:
    """The gateway numbers requests as their heads come, and the number is the end of the id that the pod is told."""
    arrivals = [job.request_id.rpartition("-") for job in jobs]
    return sum(first[0] == then[0] and first[2] > then[2] for first, then in pairwise(arrivals))
