"""Turns a desired number into `replicas` of a Deployment, or of whatever has a scale subresource.

Kubernetes chooses which pods end. So a pod at work is spared twice: replicas never go below the number of pods at work,
and before they go down, `before_scale_down` tells Kubernetes which pods it would be worst to lose (deletion_cost.py).
Somebody else who scales the same object is overruled at the next look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import structlog

from gateway.kubernetes.errors import ApiError, Conflict, Forbidden
from gateway.kubernetes.retry_delays import RetryDelays, spread

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.kubernetes.client import KubernetesClient
    from gateway.kubernetes.collection import Collection, KubeObject

#: Seconds between two changes: a burst of requests is one of them, not ten.
_APART = 1.0

#: Seconds between two looks at what is there.
_LOOK_EVERY = 5.0


async def _nothing() -> None:
    pass


class KubernetesTarget:
    """A `Target`: `apply` only says what is wanted; `run` sees to it, again and again if need be.

    While the object does not exist, or we may not touch it, `error` says so and nothing is lost: what is wanted last is
    done as soon as it can be."""

    def __init__(
        self,
        client: KubernetesClient,
        collection: Collection,
        name: str,
        *,
        at_work: Callable[[], int] = lambda: 0,
        before_scale_down: Callable[[], Awaitable[None]] = _nothing,
        jitter: Callable[[float], float] = spread,
    ) -> None:
        """`at_work`: pods that must not be ended, as many as there are now. `before_scale_down` must not raise."""
        self.error: ApiError | None = None  # what the last try met
        self._client = client
        self._collection = collection
        self._name = name
        self._at_work = at_work
        self._before_scale_down = before_scale_down
        self._delays = RetryDelays(jitter)
        self._pods = 0
        self._desired: int | None = None
        self._news = anyio.Event()
        self._log = structlog.get_logger().bind(resource=str(collection.resource), name=name)

    @property
    def pods(self) -> int:
        """Pods that exist, as Kubernetes counted them when we last looked; 0 before."""
        return self._pods

    def apply(self, desired: int) -> None:
        """So many are wanted from now on."""
        if desired != self._desired:
            self._desired = desired
            self._news.set()

    async def run(self) -> None:
        """Bring about what is wanted, until cancelled."""
        while True:
            self._news = anyio.Event()
            try:
                changed = await self._see_to_it()
            except ApiError as error:
                self._failed(error)
                await anyio.sleep(self._delays.after_failure(error.retry_after))
                continue
            self._succeeded()
            await anyio.sleep(_APART if changed else 0)
            with anyio.move_on_after(_LOOK_EVERY):
                await self._news.wait()

    async def _see_to_it(self) -> bool:
        """Whether something had to be changed."""
        there = self._note(await self._client.get(self._collection, self._name, "scale"))
        if self._wanted(there) < there:
            await self._before_scale_down()
        if (wanted := self._wanted(there)) == there:
            return False
        self._note(await self._client.patch(self._collection, self._name, {"spec": {"replicas": wanted}}, "scale"))
        self._log.info("replicas_changed", replicas=wanted, was=there)
        return True

    def _wanted(self, there: int) -> int:
        """Pods at work keep the number up; they never raise it."""
        if self._desired is None:
            return there
        return max(self._desired, min(self._at_work(), there))

    def _note(self, scale: KubeObject) -> int:
        """A number that is 0 may be left out."""
        self._pods = int((scale.get("status") or {}).get("replicas") or 0)
        return int((scale.get("spec") or {}).get("replicas") or 0)

    def _failed(self, error: ApiError) -> None:
        """One line for each thing that is wrong, however often it is tried. A conflict is not: it is tried again."""
        before, self.error = self.error, error
        if str(error) != str(before) and not isinstance(error, Conflict):
            missing = error.question.right if isinstance(error, Forbidden) else None
            self._log.warning(
                "scaling_fails",
                error=str(error),
                missing_right=missing,
                do="see that the Deployment is there and its scale may be patched; it is tried again, its size stays",
            )

    def _succeeded(self) -> None:
        if self.error is not None:
            self._log.info("scaling_works_again")
        self.error = None
        self._delays.succeeded()
