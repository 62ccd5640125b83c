from __future__ import annotations

import pytest

from gateway.demo.kube_api.store import Clash, Kind, Missing, Object, Store, merged

PODS = Kind("v1", "pods")


def pod(name: str, **metadata: object) -> Object:
    return {"apiVersion": "v1", "metadata": {"name": name, **metadata}}


def test_versions_count_up_over_all_objects() -> None:
    store = Store()
    store.put("pods", pod("a"))
    store.put("configmaps", pod("b"))
    assert store.get(PODS, "a")["metadata"]["resourceVersion"] == "1"
    assert store.version == 2


def test_whoever_takes_its_place_is_the_same_and_whoever_comes_after_is_another() -> None:
    store = Store()
    first = store.put("pods", pod("a"))["metadata"]["uid"]
    assert store.put("pods", pod("a"))["metadata"]["uid"] == first
    store.delete(PODS, "a")
    assert store.put("pods", pod("a"))["metadata"]["uid"] != first


def test_history_can_be_forgotten() -> None:
    store = Store()
    for name in ("a", "b"):
        store.put("pods", pod(name))
    store.delete(PODS, "a")
    assert [change.version for change in store.since(1, PODS, "default")] == [2, 3]
    assert list(store.since(0, PODS, "elsewhere")) == []
    store.forget_history()
    assert (list(store.since(0, PODS, None)), store.oldest) == ([], 3)


def test_a_list_is_in_the_order_of_names() -> None:
    store = Store()
    for name in ("b", "a"):
        store.put("pods", pod(name))
    store.put("pods", pod("c"), namespace="elsewhere")
    assert [each["metadata"]["name"] for each in store.all(PODS, "default")] == ["a", "b"]
    assert len(store.all(PODS, None)) == 3


def test_nobody_is_there() -> None:
    with pytest.raises(Missing, match='pods "a" not found'):
        Store().delete(PODS, "a")


def test_a_patch_may_say_whom_it_means() -> None:
    store = Store()
    uid = store.put("pods", pod("a"))["metadata"]["uid"]
    change = {"metadata": {"uid": uid, "annotations": {"b": "c"}}}
    assert store.patch(PODS, "a", change)["metadata"]["annotations"] == {"b": "c"}
    with pytest.raises(Clash, match="uid"):
        store.patch(PODS, "a", {"metadata": {"uid": "another"}})


def test_merging_as_in_the_examples_of_rfc_7396() -> None:
    assert merged({"a": "b"}, {"a": "c"}) == {"a": "c"}
    assert merged({"a": "b", "b": "c"}, {"a": None}) == {"b": "c"}
    assert merged({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}) == {"a": {"b": "d"}}
    assert merged({"a": [{"b": "c"}]}, {"a": [1]}) == {"a": [1]}
    assert merged([1, 2], {"a": "b", "c": None}) == {"a": "b"}
    assert merged({}, {"a": {"bb": {"ccc": None}}}) == {"a": {"bb": {}}}
