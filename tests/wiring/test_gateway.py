"""What operators and the life cycle are given."""

from __future__ import annotations

import operator
import resource
from functools import partial
from pathlib import Path

import pytest

from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.lanes import Lane
from gateway.runtime.driver import Refused
from gateway.upstream.request import UpstreamRequest
from tests.doubles.eventually import eventually
from tests.doubles.relatives import MARK, marked
from tests.doubles.scripted_server import ScriptedServer, always
from tests.doubles.wired import OTHER, pool, processes, wired

#: Nobody listens there.
KUBECONFIG = """
current-context: nowhere
contexts: [{name: nowhere, context: {cluster: nowhere, user: nobody}}]
clusters: [{name: nowhere, cluster: {server: "http://127.0.0.1:9"}}]
users: [{name: nobody, user: {}}]
"""

pytestmark = pytest.mark.anyio


async def test_what_the_scalers_last_thought(tmp_path: Path) -> None:
    own = processes(log_dir=str(tmp_path)) | {"autoscaling": {"min_scale": 1}}
    async with wired(tmp_path, {"own": own, **OTHER}) as one:
        assert one.gateway.scaler_views() == {}  # it has not thought yet; the other pool has no scaler
        await eventually(one.gateway.scaler_views)
        assert one.gateway.scaler_views() == {
            "own": {
                "desired": 1,
                "ready": 0,
                "stable": 0.0,
                "panic": 0.0,
                "in_panic": False,
                "bound": "autoscaling.min_scale",
            }
        }


async def test_which_pools_are_known_for_sure(tmp_path: Path) -> None:
    nowhere = pool(backends={"kubernetes": {"namespace": "default", "service": "sd"}})
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    async with wired(
        tmp_path, {"sd": nowhere, **OTHER}, kubernetes={"kubeconfig": str(tmp_path / "kubeconfig")}
    ) as one:
        assert one.gateway.stale() == {"sd": [], "other": []}
        await eventually(lambda: one.gateway.stale()["sd"])
        assert one.gateway.stale()["other"] == []


async def test_an_operator_frees_quarantined_slots_and_no_others(tmp_path: Path) -> None:
    async with wired(tmp_path, {"sd": pool(profile="a1111")}) as one:
        backend = await one.backend("pod-a:1")
        assert backend.free_slots == 0  # it may be at work for a gateway before this one
        assert not one.gateway.release("sd", "nobody")
        assert not one.gateway.release("nothing", "pod-a:1")
        assert one.gateway.release("sd", "pod-a:1")
        assert backend.free_slots == 1
        assert not one.gateway.release("sd", "pod-a:1")


async def test_another_backend_at_an_address_gets_connections_of_its_own(tmp_path: Path) -> None:
    get = UpstreamRequest(b"GET", b"/", [(b"host", b"pod")], reusable=True)
    async with ScriptedServer(always(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        alone, with_another = [server.address], [server.address, "pod-b:1"]

        async def reused_after(*listings: list[str]) -> bool:
            for hosts in listings:
                assert one.reload({"sd": pool(backends={"static": [f"http://{host}" for host in hosts]})}) == []
                await eventually(partial(operator.eq, one.served().driver.pool.backends.keys(), set(hosts)))
            exchange = await one.served().upstream.send(server.address, get)
            await exchange.head()
            return exchange.reused

        async with wired(tmp_path, {"sd": pool()}) as one:
            assert not await reused_after(alone)
            assert await reused_after(with_another)
            assert not await reused_after(["pod-b:1"], alone)


async def test_readiness_in_words(tmp_path: Path) -> None:
    async with wired(tmp_path, {"sd": pool()}) as one:
        assert one.gateway.ready(listening=False) == (False, "starting")
        assert one.gateway.ready(listening=True) == (True, "serving")
        one.gateway.stopping()
        assert one.gateway.ready(listening=True) == one.gateway.ready(listening=False) == (False, "stopping")


async def test_when_grace_is_over_nobody_waits(tmp_path: Path) -> None:
    async with wired(tmp_path, {"sd": pool(), **OTHER}) as one:
        one.gateway.grace_over()
        for name in ("sd", "other"):
            with one.served(name).driver.slot(Ticket(Lane.COUNTED)) as slot, pytest.raises(Refused, match="stopping"):
                await slot.turn()


def environment(pid: int) -> bytes:
    return Path("/proc", str(pid), "environ").read_bytes()


async def test_no_process_outlives_the_gateway_nor_learns_its_keys(tmp_path: Path) -> None:
    mark, environ = str(tmp_path), {"PATH": "/usr/bin:/bin", "KEYS": "k" * 32, "TOKEN": "t" * 32}
    own = processes(env={MARK: mark}, log_dir=mark) | {"autoscaling": {"min_scale": 2}}
    async with wired(
        tmp_path, {"sd": own}, environ=environ, session={"keys_env": "KEYS"}, ops={"token_env": "TOKEN"}
    ) as one:
        await eventually(lambda: sum("sleep" in command for command in marked(mark).values()) >= 2)
        assert all(secret not in environment(pid) for pid in marked(mark) for secret in (b"KEYS=", b"TOKEN="))
        await one.gateway.close_children()
        assert marked(mark) == {}


async def test_connections_have_bounds_below_the_descriptors(tmp_path: Path) -> None:
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with wired(tmp_path, {"sd": pool()}) as one:
        limits = one.gateway.traffic.limits
        assert 0 < limits.connections_per_address < limits.connections < descriptors / 2
    listen = {"max_connections": 30, "max_connections_per_address": 7}
    async with wired(tmp_path, {"sd": pool()}, listen=listen) as one:
        limits = one.gateway.traffic.limits
        assert (limits.connections, limits.connections_per_address, limits.rejected) == (30, 7, 4)


async def test_the_ids_of_refusals_are_no_requests(tmp_path: Path) -> None:
    async with wired(tmp_path, {"sd": pool()}) as one:
        assert one.gateway.traffic.new_id() != one.gateway.endpoint.arrivals.new_id()
