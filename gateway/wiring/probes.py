"""Builds the probes of one pool's backends. Asks nothing itself."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from gateway.probing.probes import FallbackProbe, HttpProbe, IdlenessProbe, LoadedProbe, TcpProbe
from gateway.probing.queue_proxy import StartedProbe, queue_proxy_cadence, queue_proxy_probe
from gateway.probing.readiness import Cadence
from gateway.probing.watch import BackendWatch, ProbeOfEach
from gateway.profiles.treatment import Readiness

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from gateway.core.records.listed import Listed
    from gateway.probing.probes import Probe
    from gateway.probing.questions import WakeUps
    from gateway.profiles.treatment import Profile
    from gateway.runtime.driver import Driver
    from gateway.settings.model import ReadinessSettings
    from gateway.wiring.knative_values import RevisionPlace


#: Seconds after which a start is worth a warning that says what the probe finds.
SLOW_START = 60.0


def watch_of(
    settings: ReadinessSettings,
    profile: Profile,
    place: RevisionPlace | None,
    driver: Driver,
    client: httpx.AsyncClient,
    quarantines: WakeUps,
    probe_headers: Mapping[str, str] = MappingProxyType({}),
    *,
    are_started: bool = False,
) -> BackendWatch:
    """The watch over a pool's backends. `place`: of a revision, whose pods are asked through their
    queue-proxy first. `quarantines`: wakes who asks a backend whether it works. `probe_headers`: what every HTTP
    probe brings. `are_started`: backends come and go by demand, so one that is not ready yet is starting;
    others are expected to be there."""
    backends, idle, loaded = driver.pool.backends, profile.idle, profile.loaded
    timeout, headers = settings.timeout, {**probe_headers, **_past_the_queue(place)}
    readiness = _readiness(settings, profile)
    probe = _probe(settings, readiness, client, headers, driver.clock)
    return BackendWatch(
        probe=probe if place is None else _behind_queue_proxy(probe, queue_proxy_probe(client), readiness),
        port=TcpProbe(timeout) if place is None else queue_proxy_probe(client),
        cadence=_cadence(settings, readiness, place),
        idle_probe=IdlenessProbe(client, idle.path, idle.says_idle, timeout=timeout, headers=headers)
        if idle is not None
        else None,
        loaded_probe=LoadedProbe(client, loaded.path, loaded.reads, timeout=timeout, headers=headers)
        if loaded is not None
        else None,
        is_busy=lambda identity: (b := backends.get(identity)) is not None and b.has_known_work,
        is_quarantined=lambda identity: (b := backends.get(identity)) is not None and bool(b.quarantines),
        is_unsure=driver.pool.should_ask_for_model,
        is_leaving=lambda identity: (b := backends.get(identity)) is None or b.is_leaving,
        reports=driver,
        clock=driver.clock,
        quarantines=quarantines,
        start_grace=SLOW_START if are_started else 0.0,
    )


def _probe(
    settings: ReadinessSettings,
    readiness: Readiness,
    client: httpx.AsyncClient,
    headers: Mapping[str, str],
    clock: Callable[[], float],
) -> Probe | ProbeOfEach:
    if readiness.kind != "http":
        return TcpProbe(settings.timeout)

    def http(path: str, accepts: Callable[[int, bytes], bool], remedies: tuple[tuple[int, str], ...] = ()) -> HttpProbe:
        return HttpProbe(
            client,
            path,
            accepts,
            light=readiness.light,
            timeout=settings.timeout,
            headers=headers,
            remedies=dict(remedies),
            hint=readiness.hint,
        )

    first, fallback = http(readiness.path, readiness.accepts), readiness.fallback
    if fallback is None:
        return first
    second = http(fallback.path, fallback.accepts, fallback.remedies)
    never, missing = http(fallback.never, fallback.missing), http(readiness.path, fallback.missing)
    after = fallback.after
    return ProbeOfEach(lambda backend: FallbackProbe(first, second, never, missing, after=after, clock=clock))


def _behind_queue_proxy(probe: Probe | ProbeOfEach, queue_proxy: Probe, readiness: Readiness) -> Probe | ProbeOfEach:
    """Where the profile asks for more than an open port, the container is asked, too."""
    if readiness.kind != "http":
        return queue_proxy

    def made(backend: Listed) -> Probe:
        container = probe(backend) if isinstance(probe, ProbeOfEach) else probe
        return StartedProbe(queue_proxy, container, backend.direct_address or backend.address)

    return ProbeOfEach(made)


def _readiness(settings: ReadinessSettings, profile: Profile) -> Readiness:
    """The file goes before the profile; how long the port must have been open is the profile's all the same."""
    if settings.tcp:
        return Readiness("tcp")
    if settings.http is not None:
        return Readiness("http", settings.http, settle=profile.readiness.settle)
    return profile.readiness


def _cadence(settings: ReadinessSettings, readiness: Readiness, place: RevisionPlace | None) -> Cadence:
    settle = readiness.settle if settings.settle is None else settings.settle
    settle = settle if readiness.kind == "http" else 0.0
    if place is not None:
        return queue_proxy_cadence(settings.period, settings.failure_threshold, settle)
    failures = settings.failure_threshold
    return Cadence(settings.initial_delay, settings.period, failure_threshold=failures, settle=settle)


def _past_the_queue(place: RevisionPlace | None) -> dict[str, str]:
    """The headers of an uncounted request to a pod: a question about a picture must not wait behind the
    picture."""
    headers = place.pod_headers.uncounted if place is not None else ()
    return {name.decode(): value.decode() for name, value in headers}
