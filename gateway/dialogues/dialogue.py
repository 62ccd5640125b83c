"""A dialogue: a protocol in which a job goes on behind the answer to the request that began it.

A dialogue reads that answer and follows the job to its end by asking the pod. It holds no slot and decides on none:
whoever runs it (`proxy/tracking/job_tracker.py`) keeps the slot for as long as `until_over` takes.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Of the answer to the request that began a job, so many bytes at most are shown to a dialogue.
HEARD = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answered:
    """The pod's answer to the request that may have begun a job."""

    raw_path: bytes  # of the request: the path's own bytes, without the query
    keys: tuple[str, ...]  # who sent it besides the cookie, as the profile found it: `session:...`
    status: int
    body: bytes  # its first `HEARD` bytes
    whole: bool  # that is all of it
    job: str | None = None  # what the client calls its job, as the profile found it


@dataclass(frozen=True, slots=True)
class Reply:
    """The pod's answer to a question of the gateway's own."""

    status: int
    body: bytes  # at most as much of it as was wanted
    whole: bool  # that is all of it


class Pod(Protocol):
    """The pod that works on a job, asked beside its work."""

    @property
    def gone(self) -> bool:
        """Whether the pod has ended, and its work with it."""

    async def get(self, target: str, most: int) -> Reply | None:
        """A GET; `most` bytes of the answer are wanted. None: it did not answer (in time)."""


class End(enum.Enum):
    """The end of a job, as far as it can be seen."""

    SEEN = "seen"
    GAVE_NOTHING = "gave nothing"  # seen, and its client got nothing of it: what it was to do it may have queued
    FAILED = "failed"  # the pod says that it broke
    LOST = "lost"  # the pod knows nothing of it (any more)
    UNSEEN = "unseen"  # it may still be at work, and cannot be followed


class Job(Protocol):
    """One job at a pod."""

    @property
    def name(self) -> str | None:
        """The pod's name of the job. None: it is not known."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Names of those who will ask for the job; they are sent to its pod."""

    @property
    def made(self) -> tuple[str, ...]:
        """Names of what its pod has from it: the job itself, and once it is over what it made."""

    @property
    def failure(self) -> str:
        """The pod's words for why it broke; "": it did not."""

    async def until_over(self, pod: Pod) -> End:
        """Returns when the pod no longer works on it, or that cannot be seen. May be cancelled."""


class Unfollowed:
    """A job that cannot be followed: its name is not known, or no stream that is known will tell of it. Is a `Job`."""

    name = None
    keys = ()
    made = ()
    failure = ""

    async def until_over(self, pod: Pod) -> End:
        """At once."""
        return End.UNSEEN


class Ear(Protocol):
    """Hears one stream on which the ends of jobs are told."""

    @property
    def wanted(self) -> bool:
        """The end of a job that is at work would be told here."""

    def heard(self, piece: bytes) -> Iterable[str]:
        """A piece of the stream, in order. Returns the files that it says the pod has."""


class Dialogue(Protocol):
    """One protocol. Holds what all jobs of a pool share, if anything."""

    def begun(self, answered: Answered) -> Job | None:
        """The job that the answered request has begun. None: none."""

    def ear(self, keys: tuple[str, ...]) -> Ear | None:
        """For the stream that a request with these keys opened, which takes no slot. None: nothing is told there."""
