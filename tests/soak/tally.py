"""What a soak has seen: how often each promise was broken, and by how much memory grew, over all its rounds."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, fields

from tests.system.promises import NOTHING, Broken

#: KiB by which a gateway that has done all this may be larger than after its first rounds: an allocator's mood. More is
#: growth.
ALLOWED = 16 * 1024


@dataclass
class Tally:
    """Of rounds, by kind."""

    broken: Broken = NOTHING
    requests: int = 0
    rounds: dict[str, int] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)  # KiB of the gateway that lives through all of it, after each wave
    descriptors: list[int] = field(default_factory=list)  # of the same

    def add(self, kind: str, requests: int, broken: Broken) -> None:
        """One round."""
        self.rounds[kind] = self.rounds.get(kind, 0) + 1
        self.requests += requests
        self.broken += broken
        told = "kept all promises" if broken == NOTHING else str(broken)
        print(f"{kind:<16} {requests:>7,} requests  {told}", flush=True)

    @property
    def growth(self) -> int:
        """KiB beyond what is allowed, between the first third of the waves and the last one."""
        if len(self.memory) < 3:
            return 0
        return max(0, self.memory[-1] - max(self.memory[: len(self.memory) // 3]) - ALLOWED)

    @property
    def numbers(self) -> dict[str, int]:
        """Each must be 0."""
        names = (each.name.replace("_", " ") for each in fields(Broken))
        return {**dict(zip(names, astuple(self.broken), strict=True)), "memory grown, KiB": self.growth}

    def report(self) -> str:
        """As it is printed at the end."""
        rounds = ", ".join(f"{count} x {kind}" for kind, count in self.rounds.items())
        memory = f"{min(self.memory):,} to {max(self.memory):,} KiB" if self.memory else "not measured"
        lines = [f"{name:<20} {count:>6,}" for name, count in self.numbers.items()]
        return "\n".join(
            [f"\n{self.requests:,} requests in {rounds}", *lines, f"memory {memory}, descriptors {self.descriptors}"]
        )
