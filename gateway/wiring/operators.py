"""Builds the operators' port. Decides nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gateway.core.views.explain import explain
from gateway.core.views.page_summary import level_of
from gateway.metrics.collector import SnapshotCollector
from gateway.metrics.discovery import DiscoveryCollector
from gateway.ops.admin import Admin
from gateway.ops.app import operators_app
from gateway.ops.event_stream import EventStream
from gateway.ops.guard import Guard
from gateway.ops.live import LiveFeed
from gateway.ops.orders import Orders
from gateway.ops.timeline import Timeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client import CollectorRegistry
    from starlette.types import ASGIApp

    from gateway.core.views.explain import Explained
    from gateway.core.views.page_summary import Level
    from gateway.wiring.gateway import Gateway


class OperatorsParts:
    """`app` is what listens; `timeline` runs beside it; `live` is to be closed before the port is."""

    def __init__(
        self,
        gateway: Gateway,
        registry: CollectorRegistry,
        ready: Callable[[], tuple[bool, str]],
        token: str | None,
        hosts: Iterable[str],
    ) -> None:
        """`token`: the secret that orders come with; without one, no orders are taken. `hosts`: names of the port."""
        registry.register(SnapshotCollector(gateway.figures, gateway.scaler_views))
        registry.register(DiscoveryCollector(gateway.stale))
        registry.register(gateway.backend_errors)
        registry.register(gateway.knative)
        if gateway.knative_names is not None:
            registry.register(gateway.knative_names)
        self.timeline = Timeline(lambda: _levels(gateway), gateway.scaler_views)
        admin = Admin(token, Orders(gateway.drivers))
        feed = LiveFeed(
            pools=lambda: [driver.pool for driver in gateway.drivers()],
            scalers=gateway.scaler_views,
            status=ready,
            stale=gateway.stale,
            hears=lambda: gateway.knative.hears,
            recent=gateway.recent,
            timeline=self.timeline,
            clock=time.monotonic,
            admin=admin.is_on,
        )
        self.live = EventStream(feed)
        self.app: ASGIApp = operators_app(
            views=gateway.views,
            figures=gateway.figures,
            scaler_views=gateway.scaler_views,
            registry=registry,
            ready=ready,
            release=gateway.release,
            explain=lambda request: _explained(gateway, request),
            live=self.live,
            admin=admin,
            stale=gateway.stale,
            knative=gateway.knative.shown,
            guard=Guard(hosts),
        )


def _explained(gateway: Gateway, request: str) -> Explained | None:
    here = (explain(driver.pool, request, driver.clock()) for driver in gateway.drivers())
    return next((found for found in here if found is not None), None) or gateway.recent.explain(request)


def _levels(gateway: Gateway) -> Iterator[tuple[str, Level]]:
    for driver in gateway.drivers():
        yield driver.pool.name, level_of(driver.pool, driver.clock())
