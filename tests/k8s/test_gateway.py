"""What the manifests, the gateway's configuration and its image say of one another fits together, in every overlay."""

from __future__ import annotations

import re

import pytest

from gateway.settings.types import parse_size
from tests.k8s.rendered import ROOT, Manifest, configuration, named, of_kind, with_gateway

DOCKERFILE = (ROOT / "Dockerfile").read_text()
MIB = 1 << 20

pytestmark = pytest.mark.parametrize("kustomization", with_gateway())


def deployment(kustomization: str) -> Manifest:
    spec: Manifest = named(kustomization, "Deployment", "gateway")["spec"]
    return spec


def pod(kustomization: str) -> Manifest:
    spec: Manifest = deployment(kustomization)["template"]["spec"]
    return spec


def container(kustomization: str) -> Manifest:
    [only] = pod(kustomization)["containers"]
    gateway: Manifest = only
    return gateway


def ports(kustomization: str) -> dict[str, int]:
    return {port["name"]: port["containerPort"] for port in container(kustomization)["ports"]}


def mounts(kustomization: str) -> dict[str, str]:
    return {mount["name"]: mount["mountPath"] for mount in container(kustomization)["volumeMounts"]}


def volumes(kustomization: str) -> dict[str, Manifest]:
    return {volume["name"]: volume for volume in pod(kustomization)["volumes"]}


def test_there_is_never_a_second_gateway(kustomization: str) -> None:
    spec = deployment(kustomization)

    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")
    assert named(kustomization, "PodDisruptionBudget", "gateway")["spec"]["maxUnavailable"] == 0


def test_everything_selects_the_gateways_pod_and_no_other(kustomization: str) -> None:
    labels = deployment(kustomization)["template"]["metadata"]["labels"]
    selectors = [
        deployment(kustomization)["selector"]["matchLabels"],
        named(kustomization, "PodDisruptionBudget", "gateway")["spec"]["selector"]["matchLabels"],
        named(kustomization, "NetworkPolicy", "gateway")["spec"]["podSelector"]["matchLabels"],
        *(named(kustomization, "Service", name, "v1")["spec"]["selector"] for name in ("gateway", "gateway-operators")),
    ]

    assert all(selector == labels for selector in selectors)
    others = [each for each in of_kind(kustomization, "Deployment") if each["metadata"]["name"] != "gateway"]
    assert all(each["spec"]["template"]["metadata"]["labels"] != labels for each in others)


def test_ports_are_those_that_the_gateway_listens_on(kustomization: str) -> None:
    told = configuration(kustomization)

    assert {name: told[section]["port"] for name, section in (("http", "listen"), ("ops", "ops"))} == ports(
        kustomization
    )
    assert (told["listen"]["host"], told["ops"]["host"]) == ("::", "::")  # also where there is no IPv4
    assert f"EXPOSE {ports(kustomization)['http']} {ports(kustomization)['ops']}\n" in DOCKERFILE


def test_services_lead_to_ports_that_there_are(kustomization: str) -> None:
    led = {
        name: [
            (port["port"], port["targetPort"]) for port in named(kustomization, "Service", name, "v1")["spec"]["ports"]
        ]
        for name in ("gateway", "gateway-operators")
    }

    assert led == {"gateway": [(80, "http")], "gateway-operators": [(9090, "ops")]}


def test_probes_ask_the_operators_port(kustomization: str) -> None:
    asked = {kind: container(kustomization)[kind]["httpGet"] for kind in ("readinessProbe", "livenessProbe")}

    assert asked == {
        "readinessProbe": {"path": "/readyz", "port": "ops"},
        "livenessProbe": {"path": "/healthz", "port": "ops"},
    }


def test_all_that_is_mounted_or_read_is_there(kustomization: str) -> None:
    there = {each["metadata"]["name"] for each in of_kind(kustomization, "ConfigMap")}
    read = [source["configMapRef"]["name"] for source in container(kustomization)["envFrom"]]

    assert {volumes(kustomization)["config"]["configMap"]["name"], *read} == there
    assert mounts(kustomization).keys() == volumes(kustomization).keys()
    assert of_kind(kustomization, "Secret") == []  # keys are made where they are used


def test_kubernetes_waits_until_the_gateway_has_stopped(kustomization: str) -> None:
    stop = configuration(kustomization)["stop"]

    assert pod(kustomization)["terminationGracePeriodSeconds"] >= stop["delay"] + stop["grace"] + 10


def test_what_is_held_for_others_has_room(kustomization: str) -> None:
    held = sum(parse_size(pool["queue"]["bytes"]) for pool in configuration(kustomization)["pools"].values())

    assert parse_size(volumes(kustomization)["tmp"]["emptyDir"]["sizeLimit"]) > held
    assert parse_size(container(kustomization)["resources"]["limits"]["memory"]) >= held + 256 * MIB


def test_it_runs_as_the_image_means_it(kustomization: str) -> None:
    user, context = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE), pod(kustomization)["securityContext"]

    assert user is not None
    assert [int(number) for number in user.groups()] == [context["runAsUser"], context["runAsGroup"]]
    assert f'"--config", "{mounts(kustomization)["config"]}/config.yaml"]' in DOCKERFILE
    assert "command" not in container(kustomization)
    assert mounts(kustomization)["tmp"] == "/tmp"


def test_it_may_do_nothing_that_it_does_not_need(kustomization: str) -> None:
    assert container(kustomization)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod(kustomization)["securityContext"]["runAsNonRoot"]
    assert pod(kustomization)["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
