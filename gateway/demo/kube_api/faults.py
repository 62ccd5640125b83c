"""What goes wrong with a stand-in API server, and when. Set from outside, by a test or a demonstration."""

from __future__ import annotations

from dataclasses import dataclass, field

import anyio


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer instead of the real one."""

    status: int
    message: str
    retry_after: int | None = None


@dataclass(slots=True)
class Faults:
    """All off at first."""

    latency: float = 0.0  # seconds before each answer
    gone_in_stream: bool = (
        True  # a forgotten version: told in the stream, as the watch cache does; else to the next watch
    )
    page: int | None = None  # at most so many objects in a page of a list, whatever was asked for
    tokens: set[str] | None = None  # who may ask; None: everybody
    refusals: dict[tuple[str, str], Refusal] = field(default_factory=dict)  # by verb and plural
    cut: anyio.Event = field(default_factory=anyio.Event)  # set when the watches that hold it break off
    last_words: bytes = b""  # what they say before

    def refuse(
        self, verb: str, plural: str, status: int = 403, message: str = "no", retry_after: int | None = None
    ) -> None:
        """Until `allow`. `plural` may name a part: "deployments/scale"."""
        self.refusals[verb, plural] = Refusal(status, message, retry_after)

    def allow(self, verb: str, plural: str) -> None:
        """As ever."""
        self.refusals.pop((verb, plural), None)

    def break_watches(self, after: bytes = b"") -> None:
        """Every watch that is open now breaks off in mid-stream; `after` is the last it says."""
        self.last_words = after
        self.cut.set()
        self.resume_watches()

    def stop_watches(self) -> None:
        """The same, and each that is begun from now on breaks off at once."""
        self.last_words = b""
        self.cut.set()

    def resume_watches(self) -> None:
        """Those that are begun from now on last."""
        self.cut = anyio.Event()
