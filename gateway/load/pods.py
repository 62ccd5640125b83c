"""Reads the operators' port while a load runs. Changes nothing there; a read that fails stops nothing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from pydantic import BaseModel, ValidationError

from gateway.load.causes import cause_of
from gateway.load.result import PodCount

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Seconds for an answer: longer than any healthy gateway needs.
_TIMEOUT = 2.0


class _Line(BaseModel):
    waiting: int


class _Backend(BaseModel):
    identity: str
    name: str
    state: str
    served: int


class _Pool(BaseModel):
    in_flight: int
    line: _Line
    backends: list[_Backend]


class _Snapshot(BaseModel):
    pools: list[_Pool]


@dataclass(frozen=True, slots=True)
class PodView:
    """All pools together, at one moment."""

    waiting: int
    in_flight: int
    ready: int
    starting: int


class PodPoller:
    """Polls the snapshot and remembers what each pod served, also of pods that are gone by the end."""

    def __init__(self, client: httpx.AsyncClient, ops: str) -> None:
        self.view: PodView | None = None  # None: never read
        self._client = client
        self._url = ops.rstrip("/") + "/api/snapshot"
        self._error = ""
        self._names: dict[str, str] = {}  # by identity, of every pod ever seen
        self._before: dict[str, int] = {}  # served at the first read, by pods that were there before the run
        self._served: dict[str, int] = {}
        self._most_ready = 0

    async def poll(self) -> None:
        """Read the snapshot once. An error is kept until a read succeeds."""
        try:
            answer = await self._client.get(self._url, timeout=_TIMEOUT)
            answer.raise_for_status()
            snapshot = _Snapshot.model_validate_json(answer.content)
        except httpx.HTTPError as error:
            self._error = f"{self._url}: {cause_of(error)}"
        except ValidationError as error:
            self._error = f"{self._url}: not a snapshot ({error.error_count()} fields)"
        else:
            self._error = ""
            self._take([backend for pool in snapshot.pools for backend in pool.backends])
            self.view = self._view(snapshot.pools)

    def count(self) -> PodCount:
        """What was served since the first read."""
        served: Counter[str] = Counter()
        for identity, name in self._names.items():
            served[name] += self._served[identity] - self._before.get(identity, 0)
        return PodCount(served, self._most_ready, self._error)

    def _take(self, backends: Sequence[_Backend]) -> None:
        if self.view is None:
            self._before = {backend.identity: backend.served for backend in backends}
        for backend in backends:
            self._names[backend.identity] = backend.name
            self._served[backend.identity] = backend.served
        self._most_ready = max(self._most_ready, sum(backend.state == "ready" for backend in backends))

    def _view(self, pools: Sequence[_Pool]) -> PodView:
        states = Counter(backend.state for pool in pools for backend in pool.backends)
        return PodView(
            waiting=sum(pool.line.waiting for pool in pools),
            in_flight=sum(pool.in_flight for pool in pools),
            ready=states["ready"],
            starting=states["starting"],
        )
