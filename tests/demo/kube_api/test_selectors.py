from __future__ import annotations

import pytest

from gateway.demo.kube_api.selectors import Selector
from gateway.demo.kube_api.store import Change, Kind, Object

PODS = Kind("v1", "pods")


def pod(name: str, **labels: str) -> Object:
    return {"metadata": {"name": name, "labels": labels, "resourceVersion": "1"}}


def test_labels_and_the_name() -> None:
    assert pod("a") in Selector({})
    assert pod("a", app="sd", tier="gpu") in Selector({"labelSelector": "app=sd,tier==gpu"})
    assert pod("a", app="sd") not in Selector({"labelSelector": "app=sd,tier=gpu"})
    assert pod("a") in Selector({"fieldSelector": "metadata.name=a"})
    assert pod("b") not in Selector({"fieldSelector": "metadata.name=a"})


@pytest.mark.parametrize(
    "query", [{"labelSelector": "app"}, {"labelSelector": "app!=a"}, {"fieldSelector": "spec.a=b"}]
)
def test_what_is_not_understood_is_said(query: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="known here"):
        Selector(query)


def test_whoever_leaves_the_selection_is_deleted_as_seen_from_there() -> None:
    ours, others = pod("a", app="sd"), pod("a", app="x")

    def told(before: Object | None, after: Object | None) -> str | None:
        event = Selector({"labelSelector": "app=sd"}).event(Change(7, PODS, before, after))
        return event and event[0]

    assert [told(None, ours), told(ours, ours), told(ours, None)] == ["ADDED", "MODIFIED", "DELETED"]
    assert [told(others, ours), told(ours, others)] == ["ADDED", "DELETED"]
    assert [told(others, others), told(None, others), told(others, None)] == [None, None, None]


def test_a_deletion_has_a_version_of_its_own() -> None:
    event = Selector({}).event(Change(7, PODS, pod("a"), None))
    assert event is not None
    assert event[1]["metadata"]["resourceVersion"] == "7"
