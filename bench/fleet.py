"""The pods as a measurement sees them: where they are, and what they noted."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

from bench.children import CannotMeasure, child

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bench.figures import Stint
    from bench.load import Address

#: Seconds for a pod process to start, or to tell.
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Notes:
    """What the pods noted since they were last asked."""

    stints: list[list[Stint]]  # of each pod
    two_at_once: int  # requests that met a pod at work, over all pods


class Fleet:
    """Pods that are up."""

    def __init__(self, process: Process, addresses: list[Address]) -> None:
        self.addresses = addresses
        self._process = process

    async def notes(self) -> Notes:
        """Raises CannotMeasure if the pods are gone."""
        assert self._process.stdin is not None
        self._process.stdin.write(b"\n")
        told = await _said_by(self._process)
        return Notes(
            [[(began, ended) for began, ended in pod["stints"]] for pod in told],
            sum(pod["two_at_once"] for pod in told),
        )


@contextlib.asynccontextmanager
async def fleet(
    count: int, cores: frozenset[int], *, work: float = 0.0, size: int = 0, manner: str = "well"
) -> AsyncIterator[Fleet]:
    """So many pods, which work so many seconds a request and answer with so many bytes (0: few), all in one of MANNERS.

    Raises CannotMeasure.
    """
    options = {"--count": str(count), "--work": str(work), "--size": str(size), "--manner": manner}
    command = (sys.executable, "-m", "bench.pods", *chain.from_iterable(options.items()))
    async with child(command, cores, stdin=PIPE, stdout=PIPE) as process:
        yield Fleet(process, [("127.0.0.1", port) for port in await _said_by(process)])


async def _said_by(process: Process) -> Any:
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_PATIENCE):
            line = await process.stdout.readline()
    except TimeoutError as error:
        raise CannotMeasure("the pods do not answer") from error
    if not line:
        raise CannotMeasure("the pods have ended")
    return json.loads(line)
