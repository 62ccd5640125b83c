"""What everything that stands in front of pods is asked to do, however it is configured.

GET below `/fast/` passes at once, everything else takes a pod's slot, a cookie leads back to the same pod, and each
request leaves a line in a log.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.load import Address

#: Paths that everything measured knows how to treat. What is below the first one passes at once.
PASSES = "/fast/"
FAST, JOB = f"{PASSES}page", "/job"


@dataclass(frozen=True, slots=True)
class Job:
    """What a proxy is asked to do."""

    port: int  # to listen on, on 127.0.0.1
    pods: Sequence[Address]
    limit: int  # requests a pod may be given at once
    folder: Path  # the proxy's own: for its log, and what else it has to keep
