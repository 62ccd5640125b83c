"""Keeps a copy of a collection true: lists, watches, and lists again whenever the watch could have missed something.

    list ──> watch from the list's version ──> it ends, or breaks off after it brought something:
      ^                │                        the next goes on where it stopped
      │                └── anything else (410 as a status or in the stream, a malformed line, a refusal,
      └── back-off ──────── a server that is away): the copy is stale, and the next list replaces all of it

A stale copy stays as it is, however long: nothing is known to have changed. What was deleted during an outage is
missing from the next list, and so from the copy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import structlog

from gateway.kubernetes.errors import ApiError, Dropped, Forbidden, Gone, Question
from gateway.kubernetes.retry_delays import RetryDelays, spread
from gateway.kubernetes.watch_events import Change, key_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.kubernetes.client import KubernetesClient
    from gateway.kubernetes.collection import Collection, KubeObject
    from gateway.kubernetes.watch_events import Event

#: A watch that is over within so many seconds and brought nothing is a failure: it would be begun again in circles.
_SHORT = 1.0


_TO_DO = "see whether the API server can be reached; what is known is used on, and it is tried again"
_TO_DO_OF_RIGHTS = "give the gateway's service account that right (k8s/README.md, Rights); it is tried again"


@dataclass(frozen=True, slots=True)
class ReflectorStatus:
    """Whether the copy can be believed."""

    synced: bool  # false: stale, or there was no list yet
    error: ApiError | None = None  # why it is stale

    @property
    def stale(self) -> str | None:
        """Why it cannot be, for people; None: it can, or the first list is still on its way."""
        return str(self.error) if self.error is not None else None

    @property
    def missing_right(self) -> str | None:
        """The right that the gateway's role lacks, such as "list endpointslices.discovery.k8s.io"."""
        return self.error.question.right if isinstance(self.error, Forbidden) else None


class Reflector:
    """One collection. `on_replace` is given all objects after each list and each change; it must not wait."""

    def __init__(
        self,
        client: KubernetesClient,
        collection: Collection,
        on_replace: Callable[[list[KubeObject]], None],
        *,
        watch_seconds: float = 240.0,
        jitter: Callable[[float], float] = spread,
    ) -> None:
        """`watch_seconds`: how long one watch lasts; servers end them after minutes anyway."""
        self.status = ReflectorStatus(synced=False)
        self._client = client
        self._collection = collection
        self._on_replace = on_replace
        self._watch_seconds = watch_seconds
        self._delays = RetryDelays(jitter)
        self._objects: dict[tuple[str, str], KubeObject] = {}
        self._version = ""
        self._said = ""  # what is wrong, as it was logged
        self._log = structlog.get_logger().bind(
            resource=str(collection.resource), namespace=collection.namespace, selected=collection.selectors
        )

    async def run(self) -> None:
        """Keep the copy true, until cancelled."""
        while True:
            try:
                await self._list()
                while True:
                    await self._watch()
            except ApiError as error:
                self._became_stale(error)
                await anyio.sleep(self._delays.after_failure(error.retry_after))

    async def _list(self) -> None:
        objects, self._version = await self._client.list(self._collection)
        self._objects = {key_of(each): each for each in objects}
        self._on_replace(list(self._objects.values()))

    async def _watch(self) -> None:
        began, version = anyio.current_time(), self._version
        try:
            async with self._client.watch(self._collection, version, self._watch_seconds) as events:
                self.status = ReflectorStatus(synced=True)
                async for event in events:
                    self._lives()
                    self._take(event)
        except Dropped as error:
            self._log.debug("kubernetes_watch_dropped", error=str(error))
        if self._version == version and anyio.current_time() - began < _SHORT:
            raise Dropped(Question("watch", self._collection), "it ends at once, again and again")
        self._lives()

    def _take(self, event: Event) -> None:
        self._version = event.version
        if event.change is Change.BOOKMARK:
            return
        if event.change is Change.DELETED:
            self._objects.pop(key_of(event.object), None)
        else:
            self._objects[key_of(event.object)] = event.object
        self._on_replace(list(self._objects.values()))

    def _lives(self) -> None:
        """The watch has brought something or lasted: being opened would not be enough."""
        self._delays.succeeded()
        if self._said:
            self._log.info("kubernetes_synced", objects=len(self._objects))
        self._said = ""

    def _became_stale(self, error: ApiError) -> None:
        """One line for each thing that is wrong, however often it is tried."""
        self.status = ReflectorStatus(synced=False, error=error)
        if isinstance(error, Gone):
            self._log.debug("kubernetes_history_forgotten", means="the list is read again")
        elif str(error) != self._said:
            self._said = str(error)
            self._log.warning(
                "kubernetes_stale",
                error=self._said,
                missing_right=self.status.missing_right,
                kept=len(self._objects),
                do=_TO_DO if self.status.missing_right is None else _TO_DO_OF_RIGHTS,
            )
