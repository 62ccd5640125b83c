"""Tasks that wait for a slot, in no time at all: trio's clock jumps to the next deadline."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest
import trio
from trio.testing import MockClock

from gateway.core.policy import Policy
from gateway.core.pool import Pool
from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Ending, Judged, Quarantined, Reason, Unsure
from gateway.core.records.lanes import Lane, ModelNeed
from gateway.core.records.listed import BackendState, Listed
from gateway.runtime.driver import Driver, Refused, Slot

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "trio", {"clock": MockClock(autojump_threshold=0)}


@asynccontextmanager
async def driving() -> AsyncIterator[Driver]:
    """Not a fixture: a defect that ends the driver's own task must fail the test, not hang its teardown."""
    driver = Driver(Pool("sd", Policy(), trio.current_time()), trio.current_time)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(driver.run)
        await anyio.wait_all_tasks_blocked()
        yield driver
        tasks.cancel_scope.cancel()


def start(driver: Driver, *names: str) -> None:
    driver.replace_backends([Listed(name, f"{name}:1", name, ready=True) for name in names])


async def paint(driver: Driver, done: list[str], name: str, seconds: float = 10.0) -> None:
    with driver.slot(Ticket(Lane.COUNTED)) as slot:
        await slot.turn()
        await anyio.sleep(seconds)
        slot.done(Ending.SERVED)
    done.append(name)


async def test_waiting_tasks_go_on_in_order() -> None:
    async with driving() as driver:
        start(driver, "gpu-1")
        done: list[str] = []
        async with anyio.create_task_group() as tasks:
            for name in "abc":
                tasks.start_soon(paint, driver, done, name)
                await anyio.wait_all_tasks_blocked()

        assert done == ["a", "b", "c"]
        assert driver.snapshot().in_flight == 0


async def test_who_was_given_a_turn_is_told_before_any_task_runs() -> None:
    async with driving() as driver:
        start(driver, "gpu-1")
        given: list[str] = []
        with driver.slot(Ticket(Lane.COUNTED)) as first, driver.slot(Ticket(Lane.COUNTED)) as second:
            second.when_given = lambda: given.append(second.backend.identity)
            second.wake(None)  # it has none yet
            assert given == []
            first.done(Ending.SERVED)
            assert given == ["gpu-1"]
        with driver.slot(Ticket(Lane.COUNTED)), driver.slot(Ticket(Lane.COUNTED)) as refused:
            refused.when_given = lambda: given.append("a turn")
            driver.stop()
        assert given == ["gpu-1"]


async def test_who_fails_at_that_gets_the_turn_all_the_same() -> None:
    def fail() -> None:
        raise LookupError

    async with driving() as driver:
        start(driver, "gpu-1")
        with driver.slot(Ticket(Lane.COUNTED)) as first, driver.slot(Ticket(Lane.COUNTED)) as second:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(second.turn)
                await anyio.wait_all_tasks_blocked()
                second.when_given = fail
                with pytest.raises(LookupError):
                    first.done(Ending.SERVED)
            assert second.backend.identity == "gpu-1"


async def test_everybody_is_held_while_pods_start_from_nothing() -> None:
    async with driving() as driver:
        done: list[str] = []
        warmed: list[float] = []
        driver.on_warmed = warmed.append
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(paint, driver, done, "a")
            await anyio.sleep(30)
            start(driver, "gpu-1")

        assert (done, warmed) == (["a"], [30])


async def test_who_is_cancelled_in_line_leaves_it() -> None:
    async with driving() as driver:
        start(driver, "gpu-1")
        done: list[str] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(paint, driver, done, "a")
            await anyio.wait_all_tasks_blocked()
            with anyio.move_on_after(1):
                await paint(driver, done, "impatient")
            tasks.start_soon(paint, driver, done, "b")

        assert done == ["a", "b"]


async def test_who_is_cancelled_at_work_gives_the_slot_back_as_the_risk_demands() -> None:
    async with driving() as driver:
        start(driver, "gpu-1")
        with anyio.move_on_after(1), driver.slot(Ticket(Lane.COUNTED)) as slot:
            await slot.turn()
            slot.at_risk = 60
            await anyio.sleep_forever()

        assert (driver.snapshot().in_flight, driver.snapshot().quarantined) == (0, 1)
        driver.release("gpu-1")
        assert driver.snapshot().quarantined == 0


async def test_a_deadline_wakes_the_one_who_waits() -> None:
    async with driving() as driver:
        with pytest.raises(Refused) as refused, driver.slot(Ticket(Lane.COUNTED)) as slot:
            await slot.turn()

        assert refused.value.refusal.reason is Reason.NOTHING_CAME_UP
        assert trio.current_time() == pytest.approx(600, abs=1)


async def test_a_refused_turn_waits_for_the_backend_to_be_asked_again() -> None:
    async with driving() as driver:
        start(driver, "gpu-1")
        began = trio.current_time()
        with driver.slot(Ticket(Lane.COUNTED)) as slot:
            await slot.turn()
            slot.again()
            await slot.turn()
            assert trio.current_time() - began == pytest.approx(1, abs=0.1)
            assert slot.backend.name == "gpu-1"


async def test_a_broken_turn_goes_elsewhere() -> None:
    async with driving() as driver:
        start(driver, "gpu-1", "gpu-2")
        with driver.slot(Ticket(Lane.COUNTED)) as slot:
            await slot.turn()
            slot.at_risk = 60
            slot.elsewhere()
            await slot.turn()
            assert (slot.backend.name, slot.at_risk, driver.snapshot().quarantined) == ("gpu-2", 0, 1)


async def test_who_may_have_left_work_behind_is_told_of_once() -> None:
    async with driving() as driver:
        driver.refit(Policy(can_ask=True))
        driver.replace_backends([Listed("gpu-1", "gpu-1:1", "gpu-1", ready=True, fresh=True)])
        news: list[Judged | Quarantined | Unsure] = []
        driver.on_news = news.append
        for ticket in (Ticket(Lane.COUNTED), Ticket(Lane.COUNTED, may_go_on=True), Ticket(Lane.EXEMPT)):
            with driver.slot(ticket) as slot:
                await slot.turn()
                slot.done(Ending.SERVED)
        assert news == [Unsure(driver.pool.backends["gpu-1"])]


async def test_a_full_line_refuses_at_once_and_the_scaler_hears_of_those_who_wait() -> None:
    async with driving() as driver:
        driver.refit(Policy(line_limit=1))
        pokes: list[int] = []
        driver.on_wait = lambda: pokes.append(driver.pool.demand)
        room = driver.enter("")
        with pytest.raises(Refused, match="line_full"):
            driver.enter("")
        with pytest.raises(Refused, match="line_full"), driver.slot(Ticket(Lane.COUNTED)) as slot:
            await slot.turn()
        with driver.slot(Ticket(Lane.COUNTED), room):
            assert pokes[-1] == 1


async def test_stopping_refuses_those_in_line() -> None:
    async with driving() as driver, anyio.create_task_group() as tasks:

        async def wait() -> None:
            with pytest.raises(Refused, match="stopping"), driver.slot(Ticket(Lane.COUNTED)) as slot:
                await slot.turn()

        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        driver.stop()


async def test_facts_about_backends_reach_the_pool() -> None:
    async with driving() as driver:
        driver.refit(Policy(can_ask=True))
        driver.replace_backends([Listed("gpu-1", "gpu-1:1", "gpu-1")])
        driver.set_state("gpu-1", BackendState.READY)
        driver.backend_idle("gpu-1", trio.current_time())
        driver.backend_busy("gpu-1")
        for _ in range(2):
            await anyio.sleep(1)
            driver.backend_idle("gpu-1", trio.current_time())
        assert driver.snapshot().quarantined == 0
        assert driver.take_for_removal() == "gpu-1"
        for _ in range(3):
            driver.start_failed("exit code 1", 60)
        assert driver.snapshot().start_failures == 3
        driver.start_succeeded()
        assert driver.snapshot().start_failures == 0


async def test_a_slot_without_a_turn_has_no_backend() -> None:
    async with driving() as driver:
        slot = Slot(driver, Ticket(Lane.COUNTED), None)
        with pytest.raises(AssertionError):
            _ = slot.backend


async def test_who_waits_for_a_model_though_a_backend_is_free_is_served_by_time_alone() -> None:
    async def paint_with(model: str, seconds: float) -> None:
        with driver.slot(Ticket(Lane.COUNTED, need=ModelNeed(model))) as slot:
            await slot.turn()
            granted.append((model, slot.backend.name, round(trio.current_time() - begin)))
            await anyio.sleep(seconds)
            slot.done(Ending.SERVED)

    async with driving() as driver:
        driver.refit(Policy(model_switch_cost=20.0))
        start(driver, "gpu-1", "gpu-2")
        begin, granted = trio.current_time(), list[tuple[str, str, int]]()
        for name, model in [("gpu-1", "x"), ("gpu-2", "y")]:
            driver.backend_model(name, model, begin)
        async with anyio.create_task_group() as tasks:
            for model, seconds in [("x", 100.0), ("y", 10.0)]:
                tasks.start_soon(paint_with, model, seconds)
            await anyio.wait_all_tasks_blocked()
            tasks.start_soon(paint_with, "x", 1.0)  # it may go on waiting when y is done, for as long as a switch costs
    assert sorted(granted) == [("x", "gpu-1", 0), ("x", "gpu-2", 30), ("y", "gpu-2", 0)]


async def test_who_has_got_a_home_in_line_is_alone_with_it_for_a_time_only() -> None:
    began: dict[str, tuple[str, float]] = {}

    async def work(driver: Driver, name: str, ticket: Ticket, seconds: float) -> None:
        with driver.slot(ticket) as slot:
            await slot.turn()
            began[name] = (slot.backend.name, driver.clock())
            await anyio.sleep(seconds)
            slot.done(Ending.SERVED)

    def of(session: str, home: str, *, anchored: bool = False) -> Ticket:
        return Ticket(Lane.COUNTED, session, home, True, anchored=anchored)

    async with driving() as driver:
        driver.refit(Policy(move_when_busy=5.0))
        start(driver, "gpu-1", "gpu-2")
        visits = [
            ("x", of("x", "gpu-1"), 1.0),
            ("z", of("z", "gpu-2"), 4.0),
            ("a", of("s", "gone"), 2.0),
            ("y", of("y", "gpu-1", anchored=True), 60.0),
            ("b", of("s", "gone"), 1.0),
        ]
        async with anyio.create_task_group() as tasks:
            for name, ticket, seconds in visits:
                tasks.start_soon(work, driver, name, ticket, seconds)
                await anyio.wait_all_tasks_blocked()
    assert [began[name] for name in "ayb"] == [("gpu-1", 1.0), ("gpu-1", 3.0), ("gpu-2", 6.0)]


async def test_what_becomes_of_backends_is_told() -> None:
    async with driving() as driver:
        news: list[Judged | Quarantined | Unsure] = []
        driver.on_news = news.append
        driver.refit(Policy(health_errors=2, health_rest=4.0))
        start(driver, "gpu-1", "gpu-2")
        for name in "ab":
            with driver.slot(Ticket(Lane.COUNTED, name, "gpu-1", returning=True)) as slot:
                await slot.turn()
                slot.ticket.status = 500
                slot.done(Ending.SERVED, 60.0 if name == "b" else 0.0)
        told = [(type(each), each.backend.name, getattr(each, "seconds", None)) for each in news]
        assert told == [(Judged, "gpu-1", 4.0), (Quarantined, "gpu-1", 60.0)]
        await anyio.sleep(4.1)
        assert driver.pool.ready_count == 2
