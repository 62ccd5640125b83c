"""Processes that are only names: pod-1, pod-2, … started and stopped at once, as many as there is place for."""

from __future__ import annotations


class CountedFleet:
    """Implements `gateway.scaling.process_target.Fleet`."""

    def __init__(self, places: int = 100) -> None:
        self.pods: list[str] = []
        self.stopped: list[str] = []
        self.replaced: dict[str, str] = {}
        self._places = places
        self._started = 0

    @property
    def existing(self) -> int:
        """Those started and not stopped."""
        return len(self.pods)

    def start(self) -> None:
        """One more, if there is place."""
        if len(self.pods) < self._places:
            self._started += 1
            self.pods.append(f"pod-{self._started}")

    def stop(self, identity: str) -> None:
        """One less."""
        if identity in self.pods:
            self.pods.remove(identity)
            self.stopped.append(identity)

    def replace(self, identity: str, because: str) -> None:
        """One less, for this reason."""
        self.stop(identity)
        self.replaced[identity] = because
