"""Revisions, as the API server shows them."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.knative.autoscaling import ClusterAutoscaling
from gateway.knative.precedence import Origin, Sourced
from gateway.knative.revision import RevisionFacts, private_service, read_revision


def facts(
    container: dict[str, Any] | None = None, annotations: dict[str, str] | None = None, **spec: Any
) -> RevisionFacts:
    revision = {
        "metadata": {"name": "sd-00001", "namespace": "default", "annotations": annotations},
        "spec": {"containers": [container or {}]} | spec,
    }
    return read_revision(revision, ClusterAutoscaling())


def test_what_the_pods_may_be_given() -> None:
    one = facts(containerConcurrency=1, timeoutSeconds=600, responseStartTimeoutSeconds=300, idleTimeoutSeconds=60)
    assert (one.name, one.namespace, one.concurrency) == ("sd-00001", "default", 1)
    assert (one.timeout, one.response_start_timeout, one.idle_timeout) == (600, 300, 60)


def test_what_is_not_said_is_not_limited() -> None:
    one = facts(idleTimeoutSeconds=0)
    assert (one.concurrency, one.timeout, one.response_start_timeout, one.idle_timeout) == (0, None, None, None)


@pytest.mark.parametrize("ports", [None, [], [{"containerPort": 7860}], [{"name": "http1", "containerPort": 7860}]])
def test_where_they_listen(ports: list[dict[str, Any]] | None) -> None:
    one = facts({"ports": ports})
    assert one.user_port == (7860 if ports else 8080)
    assert (one.pod_port, one.pod_port_name, one.private_service) == (8012, "http", "sd-00001-private")
    assert one.problem is None


def test_the_port_is_that_of_the_container_that_has_one() -> None:
    one = facts(containers=[{"image": "sidecar"}, {"ports": [{"containerPort": 7860}]}])
    assert one.user_port == 7860


def test_http2_to_pods_is_a_problem() -> None:
    one = facts({"ports": [{"name": "h2c", "containerPort": 7860}]})
    assert (one.pod_port, one.pod_port_name) == (8013, "http2")
    assert one.problem == (
        "revision sd-00001: found a port named h2c, expected http1: the gateway speaks HTTP/1.1 to pods"
    )


@pytest.mark.parametrize(
    ("container", "needs_ready"),
    [
        ({}, False),
        ({"readinessProbe": {"httpGet": {"path": "/"}}}, False),
        ({"readinessProbe": {"exec": {"command": ["true"]}}}, True),
        ({"startupProbe": {"tcpSocket": {"port": 1}}}, True),
    ],
)
def test_probes_that_the_queue_proxy_does_not_answer_for(container: dict[str, Any], needs_ready: bool) -> None:
    one = facts(container)
    assert one.needs_ready is needs_ready


def test_annotations() -> None:
    one = facts(
        annotations={
            "autoscaling.knative.dev/maxScale": "10",
            "autoscaling.knative.dev/targetUtilizationPercentage": "100",
            "autoscaling.knative.dev/window": "soon",
        }
    )
    assert one.autoscaling.max_scale == Sourced(10, Origin.ANNOTATION)
    assert one.autoscaling.target_utilization_percentage == Sourced(100, Origin.ANNOTATION)
    assert [each.of for each in one.ignored] == ["revision sd-00001"]


def test_a_long_name_is_cut_and_made_unique() -> None:
    assert private_service("r" * 55) == "r" * 55 + "-private"
    # The digest is that of Knative's own test of such names.
    assert private_service("f" * 63) == "f" * 23 + "105d7597f637e83cc711605ac3ea4957-private"
