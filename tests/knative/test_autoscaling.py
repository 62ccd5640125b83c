"""What scales a revision, and who said so."""

from __future__ import annotations

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from gateway.knative.autoscaling import (
    PREFIX,
    ClusterAutoscaling,
    RevisionAutoscaling,
    read_autoscaling,
    read_config_autoscaler,
)
from gateway.knative.precedence import IgnoredAnnotation, Origin, Sourced

NOTHING_SAID = ClusterAutoscaling()


def read(
    annotations: dict[str, str], concurrency: int = 1, config: dict[str, str] | None = None
) -> tuple[RevisionAutoscaling, list[str]]:
    """With annotations by their short names; the warnings as text."""
    told = {PREFIX + name: value for name, value in annotations.items()}
    autoscaling, ignored = read_autoscaling(told, concurrency, read_config_autoscaler(config or {}), "revision sd")
    return autoscaling, [f"{each.key.removeprefix(PREFIX)}: {each.expected}" for each in ignored]


def test_knatives_defaults() -> None:
    autoscaling, ignored = read({})
    assert ignored == []
    assert {each.name: getattr(autoscaling, each.name).value for each in fields(autoscaling)} == {
        "min_scale": 0,
        "max_scale": 0,
        "initial_scale": 1,
        "activation_scale": None,
        "metric": "concurrency",
        "target": None,
        "target_utilization_percentage": 70,
        "target_burst_capacity": 211,
        "window": 60,
        "panic_window_percentage": 10,
        "panic_threshold_percentage": 200,
        "scale_down_delay": 0,
        "scale_to_zero_pod_retention_period": 0,
        "metric_aggregation_algorithm": "linear",
    }
    assert {getattr(autoscaling, each.name).origin for each in fields(autoscaling)} == {Origin.DEFAULT}


def test_every_annotation_is_read_in_both_spellings() -> None:
    kebab = {
        "class": "kpa.autoscaling.knative.dev",
        "min-scale": "2",
        "max-scale": "10",
        "initial-scale": "3",
        "activation-scale": "4",
        "metric": "rps",
        "target": "1.5",
        "target-utilization-percentage": "100",
        "target-burst-capacity": "-1",
        "window": "40s",
        "panic-window-percentage": "20",
        "panic-threshold-percentage": "150",
        "scale-down-delay": "15m",
        "scale-to-zero-pod-retention-period": "1m5s",
        "metric-aggregation-algorithm": "weighted-exponential",
    }
    camel = {name[0] + name.title().replace("-", "")[1:]: value for name, value in kebab.items()}
    camel["metricAggregationAlgorithm"] = "weightedExponential"
    assert read(kebab) == read(camel)
    autoscaling, ignored = read(camel)
    assert ignored == []
    assert [getattr(autoscaling, each.name) for each in fields(autoscaling)] == [
        Sourced(value, Origin.ANNOTATION)
        for value in (2, 10, 3, 4, "rps", 1.5, 100, -1, 40, 20, 150, 900, 65, "weighted-exponential")
    ]


def test_the_cluster_speaks_where_the_revision_does_not() -> None:
    config = {
        "_example": "stable-window: 1s",
        "container-concurrency-target-percentage": "0.8",
        "target-burst-capacity": "0",
        "stable-window": "120s",
        "max-scale": "7",
    }
    autoscaling, _ = read({"max-scale": "3"}, config=config)
    assert autoscaling.target_utilization_percentage == Sourced(80, Origin.CONFIG_AUTOSCALER)
    assert autoscaling.target_burst_capacity == Sourced(0, Origin.CONFIG_AUTOSCALER)
    assert autoscaling.window == Sourced(120, Origin.CONFIG_AUTOSCALER)
    assert autoscaling.max_scale == Sourced(3, Origin.ANNOTATION)


def test_what_a_pod_is_worth() -> None:
    config = {"container-concurrency-target-default": "50", "requests-per-second-target-default": "20"}
    assert read({}, concurrency=4, config=config)[0].target == Sourced(None, Origin.DEFAULT)
    assert read({}, concurrency=0)[0].target == Sourced(100, Origin.DEFAULT)
    assert read({}, concurrency=0, config=config)[0].target == Sourced(50, Origin.CONFIG_AUTOSCALER)
    assert read({"metric": "rps"})[0].target == Sourced(200, Origin.DEFAULT)
    assert read({"metric": "rps"}, config=config)[0].target == Sourced(20, Origin.CONFIG_AUTOSCALER)
    assert read({"target": "3"}, config=config)[0].target == Sourced(3, Origin.ANNOTATION)


def test_the_utilization_of_rps_cannot_be_configured() -> None:
    config = {"container-concurrency-target-percentage": "90"}
    assert read({}, config=config)[0].target_utilization_percentage.value == 90
    assert read({"metric": "rps"}, config=config)[0].target_utilization_percentage.value == 70


def test_what_makes_no_sense_is_told_and_the_default_applies() -> None:
    autoscaling, ignored = read(
        {
            "class": "hpa.autoscaling.knative.dev",
            "maxScale": "ten",
            "target-utilization-percentage": "0.7",
            "target-burst-capacity": "-2",
            "window": "60",
            "metric": "cpu",
        }
    )
    assert autoscaling == read({})[0]
    assert ignored == [
        "class: kpa.autoscaling.knative.dev",
        "maxScale: a whole number, at least 0",
        "metric: one of concurrency, rps",
        "target-utilization-percentage: a number, from 1 to 100",
        "target-burst-capacity: a number, at least 0, or -1",
        'window: a duration such as "60s" or "1m30s", from 6 s to 3600 s',
    ]


def test_bounds_that_contradict_one_another() -> None:
    autoscaling, ignored = read({"minScale": "3", "max-scale": "2", "activation-scale": "3"})
    assert ignored == ["minScale: at most max-scale", "activation-scale: at most max-scale"]
    assert (autoscaling.min_scale.value, autoscaling.activation_scale.value) == (0, None)
    assert read({"min-scale": "3", "max-scale": "0"})[1] == []
    assert read({"min-scale": "3", "activation-scale": "2"})[1] == ["activation-scale: at least min-scale"]
    assert read({"min-scale": "3", "max-scale": "2", "activation-scale": "2"})[1] == ["min-scale: at most max-scale"]


def test_a_config_map_that_makes_no_sense() -> None:
    cluster = read_config_autoscaler({"container-concurrency-target-percentage": "0", "min-scale": "2"})
    assert cluster.values == {"min_scale": 2}
    assert cluster.ignored == (
        IgnoredAnnotation(
            "config map config-autoscaler",
            "container-concurrency-target-percentage",
            "0",
            "a number above 0, at most 100",
        ),
    )


KEYS = st.sampled_from([PREFIX + name for name in ("max-scale", "maxScale", "min-scale", "window", "target", "metric")])


@given(st.dictionaries(KEYS | st.text(), st.integers(-5, 5).map(str) | st.text()), st.integers(0, 3))
def test_any_annotations_are_read_and_what_is_ignored_is_one_of_them(told: dict[str, str], concurrency: int) -> None:
    autoscaling, ignored = read_autoscaling(told, concurrency, NOTHING_SAID, "revision sd")
    assert all(told[each.key] == each.found for each in ignored)
    most = autoscaling.max_scale.value
    assert not most or autoscaling.min_scale.value <= most
