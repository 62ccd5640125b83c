"""The autoscaling of a revision as Knative's autoscaler has it: from its annotations, else the cluster's
`config-autoscaler`, else Knative's defaults. Decides nothing.

Ranges and defaults follow pkg/apis/autoscaling/annotation_validation.go and pkg/autoscaler/config/config.go.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from gateway.knative.annotations import read_all, spellings
from gateway.knative.precedence import IgnoredAnnotation, Origin, Sourced
from gateway.knative.readers import duration, number, one_of, whole, whole_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PREFIX = "autoscaling.knative.dev/"
CONFIG_MAP = "config-autoscaler"

_HOUR = 3600
_AGGREGATION = one_of("linear", "weighted-exponential")


def _aggregation(text: str) -> str:
    return _AGGREGATION("weighted-exponential" if text == "weightedExponential" else text)


def _fraction_or_percentage(text: str) -> float:
    """As in the config map: up to 1 it is a fraction."""
    value = number(0, 100)(text)
    if value == 0:
        raise ValueError("a number above 0, at most 100")
    return value * 100 if value <= 1 else value


_ANNOTATIONS = {
    "class": one_of("kpa.autoscaling.knative.dev"),  # no other autoscaler hears what a gateway reports
    "min_scale": whole(0),
    "max_scale": whole(0),
    "initial_scale": whole(0),
    "activation_scale": whole(2),
    "metric": one_of("concurrency", "rps"),
    "target": number(0.01),
    "target_utilization_percentage": number(1, 100),
    "target_burst_capacity": number(0, besides=-1),
    "window": whole_seconds(6, _HOUR),
    "panic_window_percentage": number(1, 100),
    "panic_threshold_percentage": number(110, 1000),
    "scale_down_delay": whole_seconds(0, _HOUR),
    "scale_to_zero_pod_retention_period": duration(0, _HOUR),
    "metric_aggregation_algorithm": _aggregation,
}

_CONFIG = {
    "container_concurrency_target_percentage": _fraction_or_percentage,
    "container_concurrency_target_default": number(0.01),
    "requests_per_second_target_default": number(0.01),
    "target_burst_capacity": number(0, besides=-1),
    "stable_window": whole_seconds(6, _HOUR),
    "panic_window_percentage": number(1, 100),
    "panic_threshold_percentage": number(0.01),
    "scale_down_delay": whole_seconds(0, math.inf),
    "scale_to_zero_pod_retention_period": duration(0, math.inf),
    "initial_scale": whole(0),
    "min_scale": whole(0),
    "max_scale": whole(0),
}

_DEFAULTS: dict[str, Any] = {
    "min_scale": 0,
    "max_scale": 0,
    "initial_scale": 1,
    "activation_scale": None,
    "metric": "concurrency",
    "target_utilization_percentage": 70.0,
    "target_burst_capacity": 211.0,
    "window": 60,
    "panic_window_percentage": 10.0,
    "panic_threshold_percentage": 200.0,
    "scale_down_delay": 0,
    "scale_to_zero_pod_retention_period": 0.0,
    "metric_aggregation_algorithm": "linear",
}
_TARGETS = {"container_concurrency_target_default": 100.0, "requests_per_second_target_default": 200.0}


@dataclass(frozen=True, slots=True)
class ClusterAutoscaling:
    """The cluster's settings for every revision. Empty: Knative's defaults hold."""

    values: Mapping[str, Any] = field(default_factory=dict)  # keys of the config map in snake_case
    ignored: tuple[IgnoredAnnotation, ...] = ()


@dataclass(frozen=True, slots=True)
class RevisionAutoscaling:
    """One revision's knobs, named as the annotations. Pods, seconds, percent, requests."""

    min_scale: Sourced[int]
    max_scale: Sourced[int]  # 0: no bound
    initial_scale: Sourced[int]
    activation_scale: Sourced[int | None]
    metric: Sourced[str]
    target: Sourced[float | None]  # None: what a pod may work on at once
    target_utilization_percentage: Sourced[float]
    target_burst_capacity: Sourced[float]  # -1: the activator, or who plays it, stays in the path, and nobody scrapes
    window: Sourced[int]
    panic_window_percentage: Sourced[float]
    panic_threshold_percentage: Sourced[float]
    scale_down_delay: Sourced[int]
    scale_to_zero_pod_retention_period: Sourced[float]
    metric_aggregation_algorithm: Sourced[str]


def read_config_autoscaler(data: Mapping[str, str]) -> ClusterAutoscaling:
    """The config map's data; keys that say nothing here, such as `_example`, are passed over."""
    values, ignored = read_all(data, "", _CONFIG, f"config map {CONFIG_MAP}")
    return ClusterAutoscaling(values, tuple(ignored))


def read_autoscaling(
    annotations: Mapping[str, str], concurrency: int, cluster: ClusterAutoscaling, of: str
) -> tuple[RevisionAutoscaling, tuple[IgnoredAnnotation, ...]]:
    """A revision's, and what of its annotations makes no sense. `concurrency`: its containerConcurrency."""
    told, ignored = read_all(annotations, PREFIX, _ANNOTATIONS, of)
    for name, expected in list(_contradictions(told)):
        key = next(key for key in spellings(PREFIX, name) if key in annotations)
        ignored.append(IgnoredAnnotation(of, key, annotations[key], expected))
        del told[name]
    metric = told.get("metric", "concurrency")
    sources = (
        (Origin.ANNOTATION, told),
        (Origin.CONFIG_AUTOSCALER, _by_annotation(cluster.values, metric, concurrency)),
        (Origin.DEFAULT, _DEFAULTS | {"target": _target(_TARGETS, metric, concurrency)}),
    )
    names = [each.name for each in fields(RevisionAutoscaling)]
    return RevisionAutoscaling(**{name: _nearest(name, sources) for name in names}), tuple(ignored)


def _contradictions(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Annotations that are each right and together wrong. The upper bound counts."""
    most = told.get("max_scale") or math.inf
    least, activation = told.get("min_scale", 0), told.get("activation_scale")
    if least > most:
        yield "min_scale", "at most max-scale"
    if activation is not None and activation > most:
        yield "activation_scale", "at most max-scale"
    elif activation is not None and least <= most and activation < least:
        yield "activation_scale", "at least min-scale"


def _by_annotation(values: Mapping[str, Any], metric: str, concurrency: int) -> dict[str, Any]:
    """The config map's values under the annotations' names, as far as they hold for this metric
    (pkg/reconciler/autoscaling/resources/target.go): the utilization of rps cannot be configured."""
    config = {name: value for name, value in values.items() if name in _DEFAULTS}
    if (window := values.get("stable_window")) is not None:
        config["window"] = window
    if (target := _target(values, metric, concurrency)) is not None:
        config["target"] = target
    if metric == "concurrency" and (utilization := values.get("container_concurrency_target_percentage")) is not None:
        config["target_utilization_percentage"] = utilization
    return config


def _target(values: Mapping[str, Any], metric: str, concurrency: int) -> float | None:
    """None: what a pod may work on at once."""
    if metric == "rps":
        return values.get("requests_per_second_target_default")
    return None if concurrency else values.get("container_concurrency_target_default")


def _nearest(name: str, sources: tuple[tuple[Origin, Mapping[str, Any]], ...]) -> Sourced[Any]:
    return next(Sourced(values[name], origin) for origin, values in sources if name in values)
