"""How the last turns of one backend went, and what they have led to."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

#: Turns of a backend that are remembered.
REMEMBERED = 20


@dataclass(slots=True)
class Conduct:
    """One backend's last turns, and the ejections they have led to."""

    last: deque[bool] = field(default_factory=lambda: deque(maxlen=REMEMBERED))  # whether it failed, oldest first
    failures: int = 0  # in a row, since the last success or the last judgement
    sender: str | int | None = None  # of the first of these
    several_senders: bool = False
    judged: int = 0  # how often in a row it was found to fail, with no success since
    on_trial: bool = False  # back from an ejection, with no success yet: one failure is enough
    ejected_until: float = 0.0
    because: str = ""  # of the last judgement, until a success

    def failed(self, sender: str | int) -> None:
        """One more turn did, of a request from this sender: equal for the same one."""
        self.last.append(True)
        self.failures += 1
        if self.failures == 1:
            self.sender, self.several_senders = sender, False
        elif sender != self.sender:
            self.several_senders = True

    def went_well(self) -> None:
        """One turn did: it serves, whatever it was found to do before. What the last turns were is remembered."""
        self.last.append(False)
        self.failures = self.judged = 0
        self.on_trial, self.because = False, ""
