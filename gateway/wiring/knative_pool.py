"""A pool of the file that stands for a Knative Service: its revisions now, and their shares of the
traffic.

    what the cluster says ── plan ──> a pool for each revision in traffic, and the split between them

A revision that has no traffic any more is not planned; its pool goes when its last request is over. If
all of them vanish at once, that is doubted for as long as pods of theirs answer: the last plan stays (a
restored API server, a controller that starts from nothing). Makes no pools itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio
import structlog

from gateway.knative.service_watch import ServiceWatch
from gateway.wiring.knative_values import revision_pool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.knative.revision import RevisionFacts
    from gateway.knative.service_watch import Known
    from gateway.knative.traffic import Traffic
    from gateway.kubernetes.client import KubernetesClient
    from gateway.settings.model import KnativeSettings, PoolSettings
    from gateway.wiring.knative_values import RevisionPool

#: Seconds between two looks whether a doubt is over.
_LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """The revisions of a Knative pool, and their traffic."""

    traffic: Traffic
    revisions: Mapping[str, RevisionPool]
    warnings: tuple[str, ...]


class KnativePool:
    """A pool of the file that stands for a Knative Service. `on_plan` is called when there is a new
    plan. `is_serving`: a pod of the last plan is ready."""

    def __init__(
        self,
        name: str,
        settings: PoolSettings,
        client: KubernetesClient,
        on_plan: Callable[[], None],
        is_serving: Callable[[], bool],
    ) -> None:
        self.name = name
        self.plan: Plan | None = None
        self._settings = settings
        self._client = client
        self._on_plan = on_plan
        self._is_serving = is_serving
        self._known: Known | None = None
        self._facts: dict[str, RevisionFacts] = {}  # of the revisions in the plan
        self._doubts = False
        self._said: frozenset[str] = frozenset()
        self._watch: ServiceWatch | None = None  # while it runs
        self._scope: anyio.CancelScope | None = None  # its
        self._closed = False
        self._log = structlog.get_logger().bind(pool=name)

    async def run(self) -> None:
        """Watch until closed or cancelled, beginning anew when the file names another Service."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._look_again)
            while not self._closed:
                service = _knative(self._settings)
                self._watch = watch = ServiceWatch(
                    self._client, service.namespace, service.service, service.system_namespace, self._heard
                )
                with anyio.CancelScope() as self._scope:
                    await watch.run()
            tasks.cancel_scope.cancel()

    @property
    def service(self) -> str:
        """The Service's name."""
        return _knative(self._settings).service

    @property
    def stale(self) -> list[str]:
        """Reasons why the plan may be out of date; empty while the cluster is heard."""
        return self._watch.stale if self._watch is not None else []

    def close(self) -> None:
        """Ends `run`."""
        self._closed = True
        if self._scope is not None:
            self._scope.cancel()

    def reload(self, settings: PoolSettings) -> None:
        """Takes over other settings of the file."""
        old, self._settings = _knative(self._settings), settings
        new = _knative(settings)
        if (old.namespace, old.service, old.system_namespace) != (new.namespace, new.service, new.system_namespace):
            self._known, self._facts = None, {}
            if self._scope is not None:
                self._scope.cancel()
        else:
            self._make_plan()

    def _heard(self, known: Known) -> None:
        self._known = known
        self._make_plan()
        if self.plan is not None:
            self._on_plan()

    def _make_plan(self) -> None:
        known = self._known
        if known is None:
            return
        facts = {name: revision for name in known.traffic.shares if (revision := self._fact(known, name))}
        was_doubtful, self._doubts = self._doubts, not facts and bool(self._facts) and self._is_serving()
        if self._doubts:
            if not was_doubtful:
                self._log.warning(
                    "revisions_vanished",
                    kept=sorted(self._facts),
                    means="no revision of the Service has traffic any more, and pods of theirs answer: that is doubted",
                    do="look at the Service (kubectl describe ksvc); the revisions are served while their pods answer",
                )
            return
        self._facts = facts
        served = {name: revision for name, revision in facts.items() if revision.problem is None}
        revisions = {
            name: revision_pool(self.name, self._settings, known.service, revision) for name, revision in served.items()
        }
        problems = [revision.problem for revision in facts.values() if revision.problem is not None]
        ignored = [*known.ignored, *(each for revision in revisions.values() for each in revision.ignored)]
        asked = [problem for each in revisions.values() for problem in each.problems]
        self.plan = Plan(known.traffic, revisions, tuple(dict.fromkeys([*problems, *map(str, ignored), *asked])))
        self._say(self.plan)

    def _fact(self, known: Known, revision: str) -> RevisionFacts | None:
        """One that has traffic and is not listed is only not seen right now, if it was ever seen."""
        return known.revisions.get(revision) or self._facts.get(revision)

    def _say(self, plan: Plan) -> None:
        """Each once, for as long as it holds."""
        for warning in plan.warnings:
            if warning not in self._said:
                self._log.warning("knative_misfit", what=warning, do="correct it in the object it names")
        self._said = frozenset(plan.warnings)

    async def _look_again(self) -> None:
        while True:
            await anyio.sleep(_LOOK_EVERY)
            if self._doubts and self._known is not None:
                self._heard(self._known)


def _knative(settings: PoolSettings) -> KnativeSettings:
    assert settings.backends.knative is not None
    return settings.backends.knative
