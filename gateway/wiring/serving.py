"""The composition root: settings in, a running gateway out. Only this package knows every other one."""

from __future__ import annotations

import gc
import sys
import time
from contextlib import ExitStack, aclosing, nullcontext
from typing import TYPE_CHECKING

import anyio

from gateway.logs import events as logs
from gateway.logs.access_log import AccessLog
from gateway.logs.line_writer import LineWriter
from gateway.metrics.instruments import Instruments, new_registry
from gateway.probing.control_client import new_client
from gateway.proxy.session.cookie import Verdict
from gateway.runtime.background import Background
from gateway.server.lifecycle import Hooks, Lifecycle
from gateway.server.listener import bind, operators_listener, traffic_listener
from gateway.server.refusals import REFUSALS
from gateway.settings.load import admin_token
from gateway.wiring.gateway import Gateway, own_name
from gateway.wiring.kubernetes import Cluster
from gateway.wiring.operators import OperatorsParts

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from gateway.proxy.traced import Tracer
    from gateway.settings.model import Settings, TracingSettings


async def serve(settings: Settings, path: Path, environ: Mapping[str, str]) -> None:
    """Runs the gateway until it is told to stop. Raises, before anything is started: SettingsError,
    CannotListen, and NoAccess where a pool is in a cluster that cannot be reached."""
    token = admin_token(settings, environ)
    cluster = Cluster(settings.kubernetes, environ)
    cluster.check(settings)
    traffic_sockets = bind(settings.listen.host, settings.listen.port)
    operators_sockets = bind(settings.ops.host, settings.ops.port)
    with ExitStack() as stack:
        instruments = Instruments(
            registry := new_registry(),
            cookie_verdicts=[verdict.value for verdict in Verdict],
            refusals=[refusal.reason for refusal in REFUSALS],
        )
        lines = stack.enter_context(LineWriter(sys.stdout.fileno(), instruments.lines_dropped))
        events = stack.enter_context(LineWriter(sys.stderr.fileno(), instruments.events_dropped, gather=0))
        stack.enter_context(logs.through(events.write))
        access_log = AccessLog(lines.write, console=logs.is_console(settings.log.format, sys.stdout))
        async with aclosing(cluster), new_client() as probes, anyio.create_task_group() as tasks:
            background = Background(tasks)
            gateway = Gateway(settings, path, environ, probes, cluster, instruments, access_log, background)
            operators = OperatorsParts(
                gateway,
                registry,
                lambda: gateway.ready(listening=lifecycle.is_listening),
                token,
                (*settings.ops.host, *settings.ops.hosts),
            )
            background.start("timeline", operators.timeline.run)
            gateway.endpoint.arrivals.tracer = stack.enter_context(_tracer(settings.tracing, environ))

            async def last_things() -> None:
                await gateway.close_children()
                operators.live.close()

            lifecycle = Lifecycle(
                traffic=traffic_listener(traffic_sockets, gateway.endpoint, gateway.traffic),
                shared=gateway.traffic,
                operators=operators_listener(operators_sockets, operators.app),
                hooks=Hooks(gateway.stopping, gateway.grace_over, last_things, gateway.reload),
                delay=settings.stop.delay,
                grace=settings.stop.grace,
            )
            gc.collect()
            gc.freeze()  # what lives as long as the process need not be looked through again and again: 40 ms each time
            await lifecycle.serve()
            tasks.cancel_scope.cancel()


def _tracer(settings: TracingSettings, environ: Mapping[str, str]) -> AbstractContextManager[Tracer | None]:
    """What it needs is an extra, and large: imported only where it is asked for."""
    if settings.endpoint is None:
        return nullcontext()
    from gateway.tracing.exporting import exporting

    return exporting(settings.endpoint, sample=settings.sample, host=own_name(environ), clock=time.monotonic)
