"""Builds the autoscaler of a pool that the gateway scales itself, and its target. Decides nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.scaling.local import LocalEvaluation
from gateway.discovery.local_processes import LocalProcesses
from gateway.processes.launcher import Launcher
from gateway.scaling.local import LocalScaler
from gateway.scaling.process_target import ProcessTarget
from gateway.wiring.pool_values import autoscaling_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.discovery.source import Reports, Watch
    from gateway.runtime.driver import Driver
    from gateway.scaling.target import Target
    from gateway.settings.model import PoolSettings


def fleet_of(
    name: str, settings: PoolSettings, inherited: Mapping[str, str], reports: Reports, watch: Watch
) -> LocalProcesses:
    """The processes of a pool with `backends.processes`. `inherited`: their environment."""
    processes = settings.backends.processes
    assert processes is not None
    launcher = Launcher(
        processes.command,
        log_dir=processes.log_dir / name,
        inherited=inherited,
        env=processes.env,
        gpus=processes.gpus,
        host=processes.host,
        stop_grace=processes.stop_grace,
    )
    return LocalProcesses(name, launcher, reports, watch, most=processes.max, start_timeout=settings.cold_start.timeout)


def target_of(fleet: LocalProcesses, driver: Driver, replace_after: Callable[[], float]) -> ProcessTarget:
    """The processes as a scaler drives them. `replace_after`: seconds of quarantine after which one is
    replaced."""
    pool = driver.pool

    def overdue() -> dict[str, str]:
        now, age = driver.clock(), replace_after()
        stuck = dict.fromkeys(pool.overdue_quarantines(age, now), f"a slot was quarantined for {age:g} s")
        return {**stuck, **pool.hopeless()}

    return ProcessTarget(
        fleet,
        take_for_removal=driver.take_for_removal,
        starting=pool.starting,
        overdue=overdue,
        waiting=lambda: pool.wanted,
    )


def scaler_of(
    name: str, settings: PoolSettings, driver: Driver, target: Target, ceilings: Mapping[str, int]
) -> LocalScaler:
    """Scales `target` by the pool's demand."""
    pool = driver.pool
    return LocalScaler(
        name,
        LocalEvaluation(pool.load, autoscaling_of(settings), settings.concurrency, ceilings),
        target,
        clock=driver.clock,
        waiting=lambda: pool.wanted,
        ready=lambda: pool.ready_count,
        ejected=lambda: pool.ejected_count,
    )
