"""The settings of a revision's pool: the file's, and what Knative says where the file does not. Pure.

The file wins over annotations and over `config-autoscaler`. Only a revision's own timeouts win over the
file: the queue-proxy cuts at them, whatever is said here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from gateway.discovery.endpoint_slices import ServicePort
from gateway.knative.accounting import choose_accounting
from gateway.knative.activator_headers import ExemptVia, activator_headers
from gateway.knative.autoscaling import RevisionAutoscaling
from gateway.knative.precedence import IgnoredAnnotation, Origin, Sourced
from gateway.proxy.pool.rules import PodHeaders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.core.scaling.report import Accounting
    from gateway.knative.revision import RevisionFacts
    from gateway.knative.service import ServiceFacts
    from gateway.settings.model import PoolSettings, Section


@dataclass(frozen=True, slots=True)
class RevisionPlace:
    """The facts of a revision's pool that are no settings."""

    pool: str  # of the file: one cookie leads to all its revisions
    namespace: str
    service: str
    revision: str
    where: ServicePort
    believe_unready: bool  # its pods may pass the probe and not be ready all the same
    pod_headers: PodHeaders
    accounting: Accounting
    goes_by_rate: bool  # its autoscaler counts requests a second
    stable_window: float  # seconds that its autoscaler looks back


@dataclass(frozen=True, slots=True)
class RevisionPool:
    """The parts of one revision's pool."""

    name: str
    settings: PoolSettings
    place: RevisionPlace
    origins: Mapping[str, Origin]  # the source of each value that Knative may set, by its dotted key
    ignored: tuple[IgnoredAnnotation, ...]
    problems: tuple[str, ...] = ()  # what is asked for and cannot be had


def revision_pool_name(pool: str, revision: str) -> str:
    """The name of a revision's pool. No pool of the file has it: names there have no slash."""
    return f"{pool}/{revision}"


def revision_pool(pool: str, file: PoolSettings, service: ServiceFacts, revision: RevisionFacts) -> RevisionPool:
    """The pool of `revision`, which is one of those that the pool `pool` of the file stands for."""
    place, problems = _place(pool, file, service, revision)
    concurrency = _own(file, "concurrency") or Sourced(revision.concurrency, Origin.REVISION)
    sections = {
        "affinity": _affinity(file, service),
        "timeouts": _timeouts(file, revision),
        "autoscaling": _autoscaling(file, revision),
    }
    changed = {name: _with(getattr(file, name), values) for name, values in sections.items()}
    origins = {"concurrency": concurrency.origin}
    for section, values in sections.items():
        origins |= {f"{section}.{key}": value.origin for key, value in values.items()}
    return RevisionPool(
        revision_pool_name(pool, revision.name),
        file.model_copy(update=changed | {"concurrency": concurrency.value}),
        place,
        origins,
        (*service.ignored, *revision.ignored, *_too_much(pool, concurrency, revision)),
        problems,
    )


def _place(
    pool: str, file: PoolSettings, service: ServiceFacts, revision: RevisionFacts
) -> tuple[RevisionPlace, tuple[str, ...]]:
    """The autoscaler is Knative's, so its figures are those of the cluster, whatever the file says of them."""
    knative, autoscaling = file.backends.knative, revision.autoscaling
    assert knative is not None
    choice = choose_accounting(knative.accounting, autoscaling.target_burst_capacity)
    exempt_via = ExemptVia(knative.exempt_via)
    place = RevisionPlace(
        pool=pool,
        namespace=revision.namespace,
        service=service.name,
        revision=revision.name,
        where=ServicePort(
            revision.namespace,
            revision.private_service,
            revision.pod_port_name,
            revision.user_port if exempt_via is ExemptVia.USER_PORT else None,
        ),
        believe_unready=revision.needs_ready,
        pod_headers=PodHeaders(*activator_headers(choice.accounting, exempt_via)),
        accounting=choice.accounting,
        goes_by_rate=autoscaling.metric.value == "rps",
        stable_window=autoscaling.window.value,
    )
    return place, tuple(f"pools.{pool}.{each}" for each in (choice.problem,) if each is not None)


def _affinity(file: PoolSettings, service: ServiceFacts) -> dict[str, Sourced[Any]]:
    asked = {"cookie": service.cookie, "ttl": service.session_ttl}
    return {
        key: _own(file.affinity, key)
        or (Sourced(getattr(file.affinity, key), Origin.DEFAULT) if value is None else Sourced(value, Origin.SERVICE))
        for key, value in asked.items()
    }


def _timeouts(file: PoolSettings, revision: RevisionFacts) -> dict[str, Sourced[Any]]:
    """What neither limits lasts as long as the whole: our defaults would cut what the revision lets be."""
    total = _limit(revision.timeout) or _own(file.timeouts, "total") or Sourced(file.timeouts.total, Origin.DEFAULT)
    return {
        "total": total,
        "response_start": _limit(revision.response_start_timeout) or _own(file.timeouts, "response_start") or total,
        "idle": _limit(revision.idle_timeout) or _own(file.timeouts, "idle") or total,
    }


def _autoscaling(file: PoolSettings, revision: RevisionFacts) -> dict[str, Sourced[Any]]:
    return {
        each.name: _own(file.autoscaling, each.name) or getattr(revision.autoscaling, each.name)
        for each in fields(RevisionAutoscaling)
    }


def _limit(seconds: float | None) -> Sourced[Any] | None:
    return None if seconds is None else Sourced(seconds, Origin.REVISION)


def _own(section: Section, key: str) -> Sourced[Any] | None:
    """What the file itself says."""
    return Sourced(getattr(section, key), Origin.FILE) if key in section.model_fields_set else None


def _with(section: Section, values: Mapping[str, Sourced[Any]]) -> Section:
    return section.model_copy(update={key: sourced.value for key, sourced in values.items()})


def _too_much(pool: str, concurrency: Sourced[int], revision: RevisionFacts) -> tuple[IgnoredAnnotation, ...]:
    """More than the queue-proxy lets in would wait there, out of order and out of sight."""
    if concurrency.origin is not Origin.FILE or not revision.concurrency:
        return ()
    if 0 < concurrency.value <= revision.concurrency:
        return ()
    expected = f"at most the containerConcurrency of revision {revision.name}, which is {revision.concurrency}"
    return (IgnoredAnnotation(f"pools.{pool}", "concurrency", str(concurrency.value), expected),)
