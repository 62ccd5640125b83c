"""What a reload changes, what it refuses, and how pools come and go with it."""

from __future__ import annotations

import contextlib
import gc
import socket
import weakref
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from structlog.testing import capture_logs

from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState
from gateway.proxy.session.cookie import Verdict
from gateway.settings.file import Problem
from gateway.upstream.errors import NotSent
from gateway.upstream.request import UpstreamRequest
from gateway.wiring.gateway import warn
from tests.doubles.eventually import eventually
from tests.doubles.relatives import MARK, marked
from tests.doubles.scripted_server import ScriptedServer
from tests.doubles.wired import OTHER, pool, processes, wired

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.proxy.pool.served_pool import ServedPool
    from tests.doubles.scripted_server import Visit

pytestmark = pytest.mark.anyio

GET = UpstreamRequest(b"GET", b"/", [(b"host", b"x")], None)


async def test_what_may_not_be_meant_is_said_and_a_cluster_out_of_reach_refused(tmp_path: Path) -> None:
    knative = {"knative": {"namespace": "default", "service": "sd"}}
    async with wired(tmp_path, {"sd": pool()}) as one:
        assert one.reload({"sd": pool(), "kn": pool(backends=knative, hosts=["kn"])}) == [
            "not in a pod: KUBERNETES_SERVICE_HOST is not set"
        ]
    with capture_logs() as events:
        warn([Problem("config.yaml", 1, 2, "a.b", "x", "y")])
    assert [(event["event"], event["what"]) for event in events] == [
        ("configuration_doubtful", "config.yaml:1:2 a.b: found x, expected y")
    ]


async def test_new_rules_hold_from_the_next_request_on(tmp_path: Path) -> None:
    rules = [{"match": "GET /x", "lane": "exempt"}]
    before = pool()
    after = pool(
        hosts=["a.example.com"],
        concurrency=2,
        queue={"limit": 7},
        timeouts={"headers": 33, "total": 44},
        affinity={"cookie": "other"},
        rules=rules,
    )
    async with wired(tmp_path, {"sd": before}) as one:
        backend, served = await one.backend("pod-a:1"), one.served()
        assert one.reload({"sd": after}, trusted_proxies=["10.0.0.0/8"]) == []

        assert one.served() is served
        assert (served.driver.pool.policy.limit, backend.limit) == (2, 2)
        assert served.driver.pool.policy.line_limit == 7
        assert served.rules.total == 44
        assert served.profile.treat("GET", b"/x").lane is Lane.EXEMPT
        assert served.cookies.name == b"other"
        assert one.gateway.traffic.limits.header_timeout == 33
        assert one.gateway.endpoint.router.pool_for("b.example.com", "/") is None
        assert one.gateway.endpoint.arrivals.trusted.trusts("10.1.2.3")
        assert one.gateway.traffic.is_proxy("10.1.2.3")
        assert backend.state is BackendState.READY


async def test_new_keys_sign_and_old_ones_verify_as_long_as_they_are_there(tmp_path: Path) -> None:
    old, new = "o" * 32, "n" * 32
    keys = tmp_path / "keys"
    keys.write_text(old)
    session = {"keys_file": str(keys)}

    def verdict(served: ServedPool, set_cookie: bytes) -> Verdict:
        return served.cookies.read([(b"cookie", set_cookie.partition(b";")[0])], 0, lambda session: True).verdict

    async with wired(tmp_path, {"sd": pool()}, session=session) as one:
        served = one.served()
        by_old = served.cookies.issue("someone", "pod-a:1", 0, secure=False)
        keys.write_text(f"{new}\n{old}\n")
        assert one.reload({"sd": pool()}, session=session) == []
        by_new = served.cookies.issue("someone", "pod-a:1", 0, secure=False)
        assert [verdict(served, by_old), verdict(served, by_new)] == [Verdict.VALID, Verdict.VALID]

        keys.write_text(new)
        one.reload({"sd": pool()}, session=session)
        assert [verdict(served, by_old), verdict(served, by_new)] == [Verdict.INVALID, Verdict.VALID]

        keys.unlink()
        assert "a file that can be read" in one.reload({"sd": pool()}, session=session)[0]
        assert verdict(served, by_new) is Verdict.VALID


async def test_a_random_key_outlives_a_reload(tmp_path: Path) -> None:
    with capture_logs() as events:
        async with wired(tmp_path, {"sd": pool()}) as one:
            cookie = one.served().cookies.issue("someone", "pod-a:1", 0, secure=False).partition(b";")[0]
            assert one.reload({"sd": pool(queue={"limit": 5})}) == []
            reading = one.served().cookies.read([(b"cookie", cookie)], 0, lambda session: True)

    assert reading.verdict is Verdict.VALID
    assert [event["event"] for event in events].count("session_key_random") == 1
    assert [event["event"] for event in events].count("backends_start_free") == 1


async def test_a_backend_that_left_the_list_finishes_its_work(tmp_path: Path) -> None:
    async with wired(tmp_path, {"sd": pool()}) as one:
        backend = await one.backend("pod-a:1")
        driver = one.served().driver
        with driver.slot(Ticket(Lane.COUNTED)) as slot:
            await slot.turn()
            assert one.reload({"sd": pool("pod-b")}) == []
            await eventually(lambda: "pod-b:1" in driver.pool.backends)
            assert (backend.listed, len(backend.in_flight)) == (False, 1)
            slot.done(Ending.SERVED)
        assert list(driver.pool.backends) == ["pod-b:1"]


async def test_new_timers_of_connections_leave_the_old_connections_alone(tmp_path: Path) -> None:
    may_answer = anyio.Event()

    async def slow(visit: Visit) -> None:
        await visit.request()
        await may_answer.wait()
        await visit.send(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with ScriptedServer(slow) as server, wired(tmp_path, {"sd": pool()}) as one:
        exchange = await one.served().upstream.send(server.address, GET)
        assert one.reload({"sd": pool(timeouts={"connect": 0.05})}) == []
        may_answer.set()
        assert (await exchange.head()).status == 204
        exchange.close()
        with deaf_port() as address, pytest.raises(NotSent, match=r"no connection within 0\.05 s"):
            await one.served().upstream.send(address, GET)


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({"profile_root": "/app"}, b"GET /app/config "),
        ({"probe": {"headers": {"Authorization": "Basic eDp5"}}}, b"authorization: Basic eDp5"),
    ],
    ids=["root", "headers"],
)
async def test_pods_are_probed_as_the_new_file_says(tmp_path: Path, changed: dict[str, object], seen: bytes) -> None:
    asked: list[bytes] = []

    async def missing(visit: Visit) -> None:
        asked.extend((await visit.request()).lines)
        await visit.send(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    async with ScriptedServer(missing) as server:
        gradio = {"backends": {"static": [server.address]}, "profile": "gradio", "readiness": {"period": 0.01}}
        async with wired(tmp_path, {"sd": gradio}) as one:
            await eventually(lambda: any(b"GET /config " in line for line in asked))
            assert one.reload({"sd": {**gradio, **changed}}) == []
            await eventually(lambda: any(seen.lower() in line.lower() for line in asked))


async def test_connections_of_old_timers_are_kept_no_longer_than_they_are_open(tmp_path: Path) -> None:
    async with wired(tmp_path, {"sd": pool()}) as one:
        old = weakref.ref(one.served().upstream)
        for seconds in (1, 2):
            assert one.reload({"sd": pool(timeouts={"connect": seconds})}) == []
        gc.collect()
        assert old() is None


@contextlib.contextmanager
def deaf_port() -> Iterator[str]:
    """Nobody can connect: the one place in its accept queue is taken."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, socket.create_connection(server.getsockname()):
        host, port = server.getsockname()
        yield f"{host}:{port}"


AFTER = pool(concurrency=5)

#: The pool, other sections of the file, and what is said against them.
REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "listen": (AFTER, {"listen": {"port": 8081}}, "listen has changed: that needs a restart"),
    "ops": (AFTER, {"ops": {"port": 9091}}, "ops has changed: that needs a restart"),
    "log": (AFTER, {"log": {"level": "debug"}}, "log has changed: that needs a restart"),
    "metrics": (AFTER, {"metrics": {"knative_names": False}}, "metrics has changed: that needs a restart"),
    "tracing": (AFTER, {"tracing": {"sample": 0.5}}, "tracing has changed: that needs a restart"),
    "kubernetes": (AFTER, {"kubernetes": {"kubeconfig": "k"}}, "kubernetes has changed: that needs a restart"),
    "stop": (AFTER, {"stop": {"grace": 1}}, "stop has changed: that needs a restart"),
    "kind of backends": (AFTER | processes(), {}, "pools.sd.backends: another kind of backends needs a restart"),
    "invalid file": (AFTER | {"queue": {"limt": 1}}, {}, "pools.sd.queue.limt: "),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_what_cannot_be_reloaded_changes_nothing(tmp_path: Path, case: str) -> None:
    after, sections, why = REFUSED[case]
    async with wired(tmp_path, {"sd": pool()}) as one:
        refused = one.reload({"sd": after, **OTHER}, **sections)

        assert [why in line for line in refused] == [True]
        assert one.pools == list(one.gateway.endpoint.pools) == ["sd"]
        assert one.served().driver.pool.policy.limit == 1


async def test_of_processes_only_their_number_can_change(tmp_path: Path) -> None:
    log_dir = str(tmp_path)
    async with wired(tmp_path, {"sd": processes(log_dir=log_dir)}) as one:
        refused = one.reload({"sd": processes(log_dir=log_dir, command=["sleep", "{port}", "0"])})
        assert refused == ["pools.sd.backends.processes: only max can change without a restart"]
        assert one.reload({"sd": processes(log_dir=log_dir, max=2)}) == []


# Pools that come and go


async def test_a_pool_is_added_and_an_idle_one_retires(tmp_path: Path) -> None:
    async with wired(tmp_path, {"sd": pool()}) as one:
        assert one.reload({"new": pool("pod-n")}) == []
        assert list(one.gateway.endpoint.pools) == ["new"]
        assert one.gateway.endpoint.router.pool_for("any.example.com", "/") == "new"
        await eventually(lambda: one.pools == ["new"])


@pytest.mark.parametrize("lane", [Lane.COUNTED, Lane.EXEMPT])
async def test_a_pool_that_was_removed_serves_what_it_has_to_the_end(tmp_path: Path, lane: Lane) -> None:
    async with wired(tmp_path, {"sd": pool()}) as one:
        await one.backend("pod-a:1")
        with one.served().driver.slot(Ticket(lane)) as slot:
            await slot.turn()
            one.reload(OTHER)
            one.reload(OTHER)  # it is in neither file
            await anyio.wait_all_tasks_blocked()
            assert one.pools == ["sd", "other"]
            slot.done(Ending.SERVED)
        await eventually(lambda: one.pools == ["other"])


async def test_a_pool_that_comes_back_was_never_away(tmp_path: Path) -> None:
    async with wired(tmp_path, {"sd": pool()}) as one:
        await one.backend("pod-a:1")
        served = one.served()
        with served.driver.slot(Ticket(Lane.COUNTED)) as slot:
            await slot.turn()
            one.reload(OTHER)
            await anyio.wait_all_tasks_blocked()
            assert one.reload({"sd": pool(), **OTHER}) == []
            slot.done(Ending.SERVED)
        await eventually(lambda: "retire sd" not in {task.name for task in anyio.get_running_tasks()})
        assert one.served() is served
        assert one.pools == ["sd", "other"]

        one.reload(OTHER)
        await eventually(lambda: one.pools == ["other"])


async def test_a_backend_changes_its_pool_when_its_work_is_done(tmp_path: Path) -> None:
    async with wired(tmp_path, {"sd": pool()}) as one:
        await one.backend("pod-a:1")
        with one.served().driver.slot(Ticket(Lane.COUNTED)) as slot:
            await slot.turn()
            (refused,) = one.reload({"renamed": pool()})
            assert "pools.renamed.backends.static: pool sd still works with pod-a:1; " in refused
            assert one.reload({"sd": pool("pod-b")}) == []
            await anyio.wait_all_tasks_blocked()
            slot.done(Ending.SERVED)
        assert one.reload({"sd": pool("pod-b", hosts=["b.example.com"]), "renamed": pool()}) == []
        await one.backend("pod-a:1", of="renamed")


async def test_a_name_is_free_again_when_its_processes_have_ended(tmp_path: Path) -> None:
    mark = str(tmp_path)
    stubborn = ["sh", "-c", "trap '' TERM; sleep {port}"]
    with_pod = processes(command=stubborn, env={MARK: mark}, log_dir=mark, stop_grace=1)
    with_pod["autoscaling"] = {"min_scale": 1}
    async with wired(tmp_path, {"sd": with_pod}) as one:
        await eventually(lambda: any(command.startswith("sleep ") for command in marked(mark).values()))
        one.reload(OTHER)
        await anyio.wait_all_tasks_blocked()
        assert one.reload({"sd": with_pod, **OTHER}) == [
            "pools.sd: the processes of the one that was removed are still being stopped"
        ]
        await eventually(lambda: one.pools == ["other"])
        assert marked(mark) == {}
        assert one.reload({"sd": with_pod, **OTHER}) == []
