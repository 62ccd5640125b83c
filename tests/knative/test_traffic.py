"""The traffic of a Route, as its status shows it."""

from __future__ import annotations

from typing import Any

from gateway.knative.traffic import Target, read_traffic


def route(*traffic: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "sd", "namespace": "default"}, "status": {"traffic": list(traffic)}}


def test_shares_of_one_revision_add_up() -> None:
    traffic = read_traffic(
        route(
            {"revisionName": "sd-00001", "percent": 70},
            {"revisionName": "sd-00002", "percent": 20, "latestRevision": True},
            {"revisionName": "sd-00002", "percent": 10, "tag": "new", "url": "http://new-sd.default.example.com"},
        )
    )
    assert traffic.shares == {"sd-00001": 70, "sd-00002": 30}
    assert traffic.targets[2] == Target("sd-00002", 10, "new", "http://new-sd.default.example.com")


def test_a_tag_without_a_share() -> None:
    traffic = read_traffic(
        route(
            {"revisionName": "a", "percent": 100}, {"revisionName": "b", "tag": "next", "url": "https://N.Example:8443"}
        )
    )
    assert traffic.shares == {"a": 100, "b": 0}
    assert traffic.tags == {"next": "b"}
    assert traffic.hosts == dict.fromkeys(
        ("n.example", "next-sd.default", "next-sd.default.svc", "next-sd.default.svc.cluster.local"), "b"
    )


def test_a_tag_whose_url_is_not_known_yet() -> None:
    assert "next-sd.default" in read_traffic(route({"revisionName": "b", "tag": "next"})).hosts


def test_before_there_is_any() -> None:
    assert read_traffic({"metadata": {"name": "sd", "namespace": "default"}}).shares == {}
    assert read_traffic(route({"percent": 100, "latestRevision": True})).targets == ()
