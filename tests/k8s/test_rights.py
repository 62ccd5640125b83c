"""What the gateway may do in the cluster: this table, and nothing else. A right more is a line more here."""

from __future__ import annotations

import pytest

from tests.k8s.rendered import KUSTOMIZATIONS, Manifest, named, of_kind, rendered, with_gateway

READ = "list watch"
WATCH_PODS = {("discovery.k8s.io", "endpointslices", ""): READ, ("", "pods", ""): "patch"}
READ_KNATIVE = {("serving.knative.dev", kind, ""): READ for kind in ("services", "routes", "revisions")}
SCALE = {("apps", "deployments/scale", "stable-diffusion"): "get patch"}
READ_AUTOSCALER = {("", "configmaps", "config-autoscaler"): READ}

#: By kustomization: (API group, resource, the only name) -> verbs.
RIGHTS = {
    "base": WATCH_PODS,
    "overlays/example": WATCH_PODS,
    "overlays/keda": WATCH_PODS,
    "overlays/keda-prometheus": WATCH_PODS,
    "overlays/hpa": WATCH_PODS,
    "overlays/deployment": WATCH_PODS | SCALE,
    "overlays/knative": WATCH_PODS | READ_KNATIVE,
    "overlays/knative/administrator": READ_AUTOSCALER,
}


def granted(role: Manifest) -> dict[tuple[str, str, str], str]:
    return {
        (group, resource, name): " ".join(rule["verbs"])
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
    }


@pytest.mark.parametrize("kustomization", KUSTOMIZATIONS)
def test_these_rights_and_no_others(kustomization: str) -> None:
    rights = [granted(role) for role in of_kind(kustomization, "Role")]

    assert {key: verbs for each in rights for key, verbs in each.items()} == RIGHTS.get(kustomization, {})
    assert [each["kind"] for each in rendered(kustomization) if each["kind"].startswith("ClusterRole")] == []


@pytest.mark.parametrize("kustomization", RIGHTS)
def test_each_role_is_the_gateways_where_it_is(kustomization: str) -> None:
    bound = {each["roleRef"]["name"]: each for each in of_kind(kustomization, "RoleBinding")}
    roles = {each["metadata"]["name"]: each for each in of_kind(kustomization, "Role")}

    assert bound.keys() == roles.keys()
    for name, binding in bound.items():
        [subject] = binding["subjects"]
        assert (subject["kind"], subject["name"], binding["roleRef"]["kind"]) == ("ServiceAccount", "gateway", "Role")
        assert binding["metadata"].get("namespace") == roles[name]["metadata"].get("namespace")


def test_outside_of_its_namespace_it_reads_one_config_map() -> None:
    home = named("overlays/knative", "ServiceAccount", "gateway")["metadata"]["namespace"]
    [role], [binding] = (of_kind("overlays/knative/administrator", kind) for kind in ("Role", "RoleBinding"))

    assert role["metadata"]["namespace"] == "knative-serving"
    assert binding["subjects"][0]["namespace"] == home
    inside = [each for each in rendered("overlays/knative") if each["metadata"]["namespace"] != home]
    assert inside == []


@pytest.mark.parametrize("kustomization", with_gateway())
def test_only_the_gateway_is_given_a_token(kustomization: str) -> None:
    assert not named(kustomization, "ServiceAccount", "gateway")["automountServiceAccountToken"]
    tokens = {
        each["metadata"]["name"]: each["spec"]["template"]["spec"]["automountServiceAccountToken"]
        for each in of_kind(kustomization, "Deployment")
    }
    assert [name for name, is_given in tokens.items() if is_given] == ["gateway"]
