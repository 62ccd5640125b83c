"""What is behind a name: an answer is believed, no answer is no news."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from trio.abc import HostnameResolver
from trio.socket import set_custom_hostname_resolver

from gateway.discovery.dns import DnsBackends, resolve
from tests.doubles.recording_reports import RecordingReports
from tests.doubles.told_watch import ToldWatch
from tests.doubles.virtual_time import virtual_time

if TYPE_CHECKING:
    from collections.abc import Iterable

SERVER_FAILED = socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


class ScriptedResolver:
    """Answers in this order, each when asked; then the last one again and again."""

    def __init__(self, answers: Iterable[list[str] | OSError]) -> None:
        self._answers = list(answers)
        self.asked_at: list[float] = []

    async def __call__(self, name: str, port: int) -> list[str]:
        """The next answer."""
        self.asked_at.append(anyio.current_time())
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, OSError):
            raise answer
        return answer


async def watch_for(seconds: float, resolver: ScriptedResolver) -> RecordingReports:
    """Run a source on this resolver."""
    reports = RecordingReports()
    source = DnsBackends("sd.default.svc", 7860, reports, ToldWatch(), interval=5, resolve=resolver)
    with anyio.move_on_after(seconds):
        await source.run()
    return reports


class FailingResolution(HostnameResolver):
    """The system's resolver, when it fails."""

    def __init__(self, error: int) -> None:
        self._error = error

    async def getaddrinfo(self, *question: object) -> list[Any]:
        """No."""
        raise socket.gaierror(self._error, "no")

    async def getnameinfo(self, *question: object) -> tuple[str, str]:
        """Nobody asks."""
        raise NotImplementedError


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time()


@pytest.mark.anyio
async def test_pods_come_and_go() -> None:
    resolver = ScriptedResolver([["10.0.0.1:7860"], ["10.0.0.1:7860"], ["10.0.0.2:7860"], []])
    reports = await watch_for(16, resolver)
    assert reports.told == ["list 10.0.0.1:7860", "list 10.0.0.2:7860", "list"]
    assert resolver.asked_at == [0, 5, 10, 15]


@pytest.mark.anyio
async def test_a_failing_server_takes_nobody_away() -> None:
    reports = await watch_for(16, ScriptedResolver([["10.0.0.1:7860"], SERVER_FAILED, ["10.0.0.1:7860"]]))
    assert reports.told == ["list 10.0.0.1:7860"]


@pytest.mark.anyio
async def test_while_there_is_no_answer_the_list_may_not_be_true() -> None:
    resolver = ScriptedResolver([["10.0.0.1:7860"], SERVER_FAILED, ["10.0.0.1:7860"]])
    source = DnsBackends("sd.svc", 7860, RecordingReports(), ToldWatch(), resolve=resolver)
    stale = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(source.run)
        for _ in range(3):
            await anyio.sleep(4.9)
            stale.append(source.stale)
        tasks.cancel_scope.cancel()
    assert [bool(reason) for reason in stale] == [False, True, False]
    assert str(stale[1]).startswith("resolve sd.svc: ")


@pytest.mark.anyio
async def test_no_list_before_the_first_answer() -> None:
    assert (await watch_for(4, ScriptedResolver([SERVER_FAILED]))).told == []


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_dual_stack_pod_is_one_pod(anyio_backend: str) -> None:
    assert await resolve("127.0.0.1", 7860) == ["127.0.0.1:7860"]
    assert await resolve("::1", 7860) == ["[::1]:7860"]
    assert await resolve("localhost", 7860) == ["127.0.0.1:7860"]


@pytest.mark.anyio
async def test_no_such_name_is_an_answer_a_failing_server_is_none() -> None:
    for error in (socket.EAI_NONAME, socket.EAI_NODATA):
        set_custom_hostname_resolver(FailingResolution(error))
        assert await resolve("sd.default.svc", 7860) == []
    set_custom_hostname_resolver(FailingResolution(socket.EAI_AGAIN))
    with pytest.raises(OSError, match="no"):
        await resolve("sd.default.svc", 7860)


def test_a_name_that_cannot_be_one() -> None:
    with pytest.raises(ValueError, match="label"):
        DnsBackends("sd..svc", 7860, RecordingReports(), ToldWatch())
