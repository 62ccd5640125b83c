from __future__ import annotations

from gateway.kubernetes.collection import Collection, Resource

PODS = Resource("", "v1", "pods")
SLICES = Resource("discovery.k8s.io", "v1", "endpointslices")


def test_paths_of_the_core_group_and_of_all_others() -> None:
    assert Collection(PODS, "default").path == "/api/v1/namespaces/default/pods"
    assert Collection(SLICES, "sd").path == "/apis/discovery.k8s.io/v1/namespaces/sd/endpointslices"


def test_names_as_roles_write_them() -> None:
    assert [str(PODS), str(SLICES)] == ["pods", "endpointslices.discovery.k8s.io"]


def test_only_selectors_that_select() -> None:
    assert Collection(PODS, "default").selectors == {}
    assert Collection(PODS, "default", labels="app=sd").selectors == {"labelSelector": "app=sd"}
    assert Collection(PODS, "default", fields="metadata.name=a").selectors == {"fieldSelector": "metadata.name=a"}
