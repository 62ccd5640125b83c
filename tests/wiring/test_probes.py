"""How the pods of a pool are asked: by its profile, by its file, or as Knative's activator asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.core.policy import Policy
from gateway.core.pool import Pool
from gateway.core.records.listed import Listed
from gateway.probing.control_client import new_client
from gateway.probing.probes import FallbackProbe, HttpProbe, TcpProbe
from gateway.probing.questions import WakeUps
from gateway.probing.queue_proxy import UNTIL_READY_EVERY, StartedProbe
from gateway.probing.watch import BackendWatch, ProbeOfEach
from gateway.profiles.webui import SETTLE
from gateway.runtime.driver import Driver
from gateway.settings.model import PoolSettings
from gateway.wiring.pool_values import profile_of
from gateway.wiring.probes import watch_of
from tests.wiring.test_knative_values import merged

if TYPE_CHECKING:
    from gateway.wiring.knative_values import RevisionPlace

pytestmark = pytest.mark.anyio

POD = Listed("gpu", "gpu:7860", "gpu")


async def watch(place: RevisionPlace | None = None, profile: str = "a1111", **readiness: Any) -> BackendWatch:
    file = {"backends": {"static": ["gpu:7860"]}, "profile": profile, "readiness": readiness}
    settings = PoolSettings.model_validate(file)
    async with new_client() as client:
        driver = Driver(Pool("sd", Policy(), 0.0), lambda: 0.0)
        return watch_of(settings.readiness, profile_of(settings), place, driver, client, WakeUps())


async def test_the_file_goes_before_the_profile() -> None:
    made = (await watch()).probe
    assert isinstance(made, ProbeOfEach)
    assert isinstance(made(POD), FallbackProbe)
    assert made(POD) is not made(POD), "each backend's start is its own"
    assert isinstance((await watch(tcp=True)).probe, TcpProbe)
    assert isinstance((await watch(profile="generic", http="/ready")).probe, HttpProbe)
    assert (await watch(initial_delay=3)).cadence.initial_delay == 3


async def test_the_pods_of_a_revision_are_asked_through_their_queue_proxy_and_at_their_start_by_the_profile() -> None:
    started = (await watch(merged().place)).probe
    assert isinstance(started, ProbeOfEach)
    assert isinstance(started(POD), StartedProbe)
    assert (await watch(merged().place)).cadence.settle == SETTLE
    found = await watch(merged().place, tcp=True, initial_delay=3, period=7)
    assert isinstance(found.probe, HttpProbe)
    assert found.cadence.settle == 0
    cadence = found.cadence
    assert (cadence.initial_delay, cadence.first_period, cadence.period) == (0, UNTIL_READY_EVERY, 7)


async def test_who_cannot_be_asked_whether_it_is_idle_is_not() -> None:
    assert (await watch()).idle_probe is not None
    assert (await watch(profile="generic")).idle_probe is None


async def test_models_are_asked_for_where_the_profile_can_read_the_answer() -> None:
    assert (await watch()).loaded_probe is not None
    assert (await watch(profile="comfyui")).loaded_probe is None


async def test_nobody_is_busy_whom_nobody_knows() -> None:
    found = await watch()
    assert not found.is_busy("nobody")
    assert not found.is_quarantined("nobody")
    assert not found.is_unsure("nobody")


async def test_a_port_settles_as_the_file_says_or_the_profile() -> None:
    assert (await watch()).cadence.settle == SETTLE
    assert (await watch(settle=0)).cadence.settle == 0
    assert (await watch(http="/ready")).cadence.settle == SETTLE
    assert (await watch(tcp=True)).cadence.settle == 0
    assert (await watch(profile="generic")).cadence.settle == 0
