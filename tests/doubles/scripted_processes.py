"""Processes that live as the test says: no children, no ports, no waiting."""

from __future__ import annotations

import anyio

from gateway.processes.launcher import CannotStart


class ScriptedProcess:
    """Runs until `end`. Told to stop, it is only marked so: ending is up to the test."""

    def __init__(self, number: int) -> None:
        self.identity = self.name = f"pod-{number}"
        self.address = f"127.0.0.1:{7000 + number}"
        self.said = ""
        self.told_to_stop = False
        self.exit_code: int | None = None
        self._ended = anyio.Event()

    def end(self, code: int, said: str = "") -> None:
        """It ends now, with these last words."""
        self.exit_code = code
        self.said = said
        self._ended.set()

    async def wait(self) -> int:
        """Until it has ended."""
        await self._ended.wait()
        assert self.exit_code is not None
        return self.exit_code

    def stop(self) -> None:
        """Ask for its end."""
        self.told_to_stop = True

    def evidence(self) -> str:
        """Its last words."""
        return self.said


class ScriptedStarter:
    """Starts scripted processes: pod-1, pod-2, and so on."""

    def __init__(self, gpus: int | None = None) -> None:
        self.gpus = gpus
        self.started: list[ScriptedProcess] = []
        self.cannot: str | None = None  # why the next start is impossible

    @property
    def running(self) -> int:
        """Those that have not ended."""
        return sum(process.exit_code is None for process in self.started)

    def start(self) -> ScriptedProcess:
        """One more."""
        if self.cannot is not None:
            raise CannotStart(self.cannot)
        self.started.append(ScriptedProcess(len(self.started) + 1))
        return self.started[-1]
