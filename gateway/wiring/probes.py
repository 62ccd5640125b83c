"""How the backends of one pool are asked whether they are ready, and whether they are idle. Asks nothing itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.probing.probes import HttpProbe, IdlenessProbe, LoadedProbe, TcpProbe
from gateway.probing.queue_proxy import queue_proxy_cadence, queue_proxy_probe
from gateway.probing.readiness import Cadence
from gateway.probing.watch import BackendWatch
from gateway.profiles.treatment import Readiness

if TYPE_CHECKING:
    import httpx

    from gateway.probing.probes import Probe
    from gateway.profiles.treatment import Profile
    from gateway.runtime.driver import Driver
    from gateway.settings.model import ReadinessSettings
    from gateway.wiring.knative_values import RevisionPlace


def watch_of(
    settings: ReadinessSettings,
    profile: Profile,
    place: RevisionPlace | None,
    driver: Driver,
    client: httpx.AsyncClient,
) -> BackendWatch:
    """The watch over a pool's backends. `place`: of a revision, whose pods are asked through their queue-proxy."""
    backends, idle, loaded = driver.pool.backends, profile.idle, profile.loaded
    timeout, headers = settings.timeout, _past_the_queue(place)
    return BackendWatch(
        probe=_probe(settings, profile, client) if place is None else queue_proxy_probe(client),
        cadence=_cadence(settings, place),
        idle_probe=IdlenessProbe(client, idle.path, idle.says_idle, timeout=timeout, headers=headers)
        if idle is not None
        else None,
        loaded_probe=LoadedProbe(client, loaded.path, loaded.reads, timeout=timeout, headers=headers)
        if loaded is not None
        else None,
        is_busy=lambda identity: (b := backends.get(identity)) is not None and bool(b.in_flight or b.quarantines),
        is_quarantined=lambda identity: (b := backends.get(identity)) is not None and bool(b.quarantines),
        is_unsure=driver.pool.should_ask_for_model,
        reports=driver,
        clock=driver.clock,
    )


def _probe(settings: ReadinessSettings, profile: Profile, client: httpx.AsyncClient) -> Probe:
    readiness = profile.readiness
    if settings.tcp:
        readiness = Readiness("tcp")
    elif settings.http is not None:
        readiness = Readiness("http", settings.http)
    if readiness.kind == "http":
        return HttpProbe(client, readiness.path, readiness.accepts, light=readiness.light, timeout=settings.timeout)
    return TcpProbe(settings.timeout)


def _cadence(settings: ReadinessSettings, place: RevisionPlace | None) -> Cadence:
    if place is not None:
        return queue_proxy_cadence(settings.period, settings.failure_threshold)
    return Cadence(settings.initial_delay, settings.period, failure_threshold=settings.failure_threshold)


def _past_the_queue(place: RevisionPlace | None) -> dict[str, str]:
    """What an uncounted request says to a pod: a question about a picture must not wait behind it."""
    told = place.pod_headers.uncounted if place is not None else ()
    return {name.decode(): value.decode() for name, value in told}
