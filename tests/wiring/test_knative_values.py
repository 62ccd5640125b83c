"""What the file says, what Knative says, and who wins."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.scaling.report import Accounting
from gateway.discovery.endpoint_slices import ServicePort
from gateway.knative.autoscaling import PREFIX, RevisionAutoscaling, read_config_autoscaler
from gateway.knative.precedence import IgnoredAnnotation, Origin
from gateway.knative.revision import read_revision
from gateway.knative.service import PREFIX as ALIBABA
from gateway.knative.service import read_service
from gateway.settings.model import AutoscalingSettings, PoolSettings
from gateway.wiring.knative_values import RevisionPool, revision_pool

BACKENDS = {"knative": {"namespace": "default", "service": "sd"}}


def merged(
    file: dict[str, Any] | None = None,
    spec: dict[str, Any] | None = None,
    annotations: dict[str, str] | None = None,
    service: dict[str, str] | None = None,
    config: dict[str, str] | None = None,
) -> RevisionPool:
    """Annotations of both kinds by their short names."""
    told = {PREFIX + name: value for name, value in (annotations or {}).items()}
    asked = {ALIBABA + name: value for name, value in (service or {}).items()}
    metadata = {"name": "sd", "namespace": "default"}
    return revision_pool(
        "pool",
        PoolSettings.model_validate({"backends": BACKENDS} | (file or {})),
        read_service({"metadata": metadata | {"annotations": asked}}),
        read_revision(
            {"metadata": metadata | {"name": "sd-00001", "annotations": told}, "spec": spec or {}},
            read_config_autoscaler(config or {}),
        ),
    )


def test_a_service_written_for_alibaba_cloud_does_what_it_says() -> None:
    pool = merged(
        spec={"containerConcurrency": 1},
        annotations={"maxScale": "10", "targetUtilizationPercentage": "100"},
        service={"affinity": "cookie", "cookie-name": "sd2", "cookie-timeout": "1200"},
    )
    settings = pool.settings
    assert (pool.name, settings.concurrency, pool.ignored) == ("pool/sd-00001", 1, ())
    assert (settings.affinity.cookie, settings.affinity.ttl) == ("sd2", 1200)
    assert (settings.autoscaling.max_scale, settings.autoscaling.target_utilization_percentage) == (10, 100)
    assert {key: pool.origins[key] for key in ("concurrency", "affinity.cookie", "autoscaling.max_scale")} == {
        "concurrency": Origin.REVISION,
        "affinity.cookie": Origin.SERVICE,
        "autoscaling.max_scale": Origin.ANNOTATION,
    }


def test_the_file_wins_over_annotations_key_by_key() -> None:
    pool = merged(
        {"concurrency": 1, "affinity": {"cookie": "mine"}, "autoscaling": {"max_scale": 3}},
        {"containerConcurrency": 2},
        {"max-scale": "10", "min-scale": "1"},
        {"cookie-name": "theirs", "cookie-timeout": "60"},
    )
    settings = pool.settings
    assert (settings.concurrency, settings.affinity.cookie, settings.affinity.ttl) == (1, "mine", 60)
    assert (settings.autoscaling.max_scale, settings.autoscaling.min_scale) == (3, 1)
    origins = [pool.origins[key] for key in ("concurrency", "affinity.cookie", "autoscaling.max_scale")]
    assert origins == [Origin.FILE] * 3
    assert pool.ignored == ()


def test_where_nobody_speaks_knatives_defaults_hold() -> None:
    pool = merged(config={"stable-window": "90s"})
    scaling = pool.settings.autoscaling
    assert (scaling.max_scale, scaling.target_utilization_percentage, scaling.target_burst_capacity) == (0, 70, 211)
    assert (scaling.window, pool.settings.concurrency) == (90, 0)
    assert pool.origins["autoscaling.window"] is Origin.CONFIG_AUTOSCALER
    assert pool.origins["autoscaling.max_scale"] is pool.origins["affinity.ttl"] is Origin.DEFAULT
    assert pool.settings.affinity.ttl == 1800


def test_a_revisions_own_timeouts_win_over_the_file() -> None:
    file = {"timeouts": {"total": 50, "response_start": 40, "idle": 30, "connect": 5}}
    spec = {"timeoutSeconds": 600, "responseStartTimeoutSeconds": 300, "idleTimeoutSeconds": 60}
    timeouts = merged(file, spec).settings.timeouts
    assert (timeouts.total, timeouts.response_start, timeouts.idle, timeouts.connect) == (600, 300, 60, 5)


def test_what_a_revision_does_not_limit_the_file_may_and_our_defaults_do_not() -> None:
    spec = {"timeoutSeconds": 1000, "idleTimeoutSeconds": 0}
    pool = merged(None, spec)
    assert (pool.settings.timeouts.response_start, pool.settings.timeouts.idle) == (1000, 1000)
    assert pool.origins["timeouts.idle"] is Origin.REVISION
    pool = merged({"timeouts": {"response_start": 40}}, spec)
    assert (pool.settings.timeouts.response_start, pool.origins["timeouts.response_start"]) == (40, Origin.FILE)


def test_more_than_the_queue_proxy_lets_in_is_a_warning_that_names_both() -> None:
    for told, allowed in ((2, 1), (0, 1)):
        assert merged({"concurrency": told}, {"containerConcurrency": allowed}).ignored == (
            IgnoredAnnotation(
                "pools.pool",
                "concurrency",
                str(told),
                "at most the containerConcurrency of revision sd-00001, which is 1",
            ),
        )
    assert merged({"concurrency": 5}, {"containerConcurrency": 0}).ignored == ()


def test_warnings_of_service_and_revision_come_along() -> None:
    ignored = merged(annotations={"maxScale": "ten"}, service={"cookie-timeout": "soon"}).ignored
    assert [each.of for each in ignored] == ["service sd", "revision sd-00001"]


def test_every_annotation_is_a_setting() -> None:
    assert {each.name for each in fields(RevisionAutoscaling)} == AutoscalingSettings.model_fields.keys() - {"class_"}


VALUES = st.integers(-2, 1100).map(str) | st.floats(0, 400).map(str) | st.integers(0, 4000).map("{}s".format)
ANNOTATIONS = st.sampled_from([each.name.replace("_", "-") for each in fields(RevisionAutoscaling)])


@given(
    st.dictionaries(ANNOTATIONS, VALUES | st.sampled_from(["rps", "linear", "x"])),
    st.dictionaries(st.sampled_from(["cookie-name", "cookie-timeout"]), VALUES | st.text()),
    st.dictionaries(st.sampled_from(["containerConcurrency", "timeoutSeconds"]), st.integers(0, 1000)),
)
def test_whatever_is_annotated_the_settings_are_as_good_as_from_a_file(
    annotations: dict[str, str], service: dict[str, str], spec: dict[str, int]
) -> None:
    settings = merged(None, spec, annotations, service).settings
    written = settings.model_dump(by_alias=True)
    assert PoolSettings.model_validate(written) == settings


def test_pods_are_where_the_revision_says_and_are_asked_as_the_file_says() -> None:
    spec = {"containerConcurrency": 1, "containers": [{"ports": [{"containerPort": 7860}]}]}
    place = merged(spec=spec).place
    assert place.where == ServicePort("default", "sd-00001-private", "http", 7860)
    assert (place.pool, place.service, place.revision, place.believe_unready) == ("pool", "sd", "sd-00001", False)
    assert (place.accounting, place.goes_by_rate, place.stable_window) == (Accounting.WAITING, False, 60)

    through = merged({"backends": {"knative": BACKENDS["knative"] | {"exempt_via": "kubelet-probe"}}}, spec).place
    assert through.where == ServicePort("default", "sd-00001-private", "http", None)
    assert through.pod_headers.uncounted == ((b"k-kubelet-probe", b"gateway"),)


def test_the_cluster_and_not_the_file_says_what_its_autoscaler_goes_by() -> None:
    told = {"target-burst-capacity": "-1", "metric": "rps", "window": "30s"}
    place = merged({"autoscaling": {"target_burst_capacity": 100, "window": 90}}, annotations=told).place
    assert (place.accounting, place.goes_by_rate, place.stable_window) == (Accounting.PROXIED, True, 30)
    assert place.pod_headers.counted == ((b"k-proxy-request", b"activator"),)


def test_an_accounting_that_cannot_be_had_is_named() -> None:
    waiting = {"backends": {"knative": BACKENDS["knative"] | {"accounting": "waiting"}}}
    (problem,) = merged(waiting, annotations={"target-burst-capacity": "-1"}).problems
    assert problem.startswith("pools.pool.backends.knative.accounting: found waiting")
    assert merged(waiting).problems == ()
