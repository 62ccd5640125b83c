"""What the manifests, the configuration and the image say of one another fits together."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from gateway.setting_types import parse_size
from gateway.settings import Settings, load, session_keys

ROOT = Path(__file__).parent.parent
BASE, OVERLAY = ROOT / "k8s/base", ROOT / "k8s/overlays/example"
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def manifest(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text())
    return document


def environment(*kustomizations: dict[str, Any]) -> dict[str, str]:
    """What ${...} in the configuration stands for; the last one that says it counts."""
    generators = [generator for each in kustomizations for generator in each["configMapGenerator"]]
    literals = [line for generator in generators for line in generator.get("literals", ())]
    return dict(line.split("=", 1) for line in literals)


BASIS, EXAMPLE = manifest(BASE / "kustomization.yaml"), manifest(OVERLAY / "kustomization.yaml")
DEPLOYMENT = manifest(BASE / "deployment.yaml")["spec"]
POD = DEPLOYMENT["template"]["spec"]
(CONTAINER,) = POD["containers"]
PORTS = {port["name"]: port["containerPort"] for port in CONTAINER["ports"]}
MOUNTS = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
VOLUMES = {volume["name"]: volume for volume in POD["volumes"]}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The gateway's configuration as the overlay makes it."""
    keys = tmp_path / "keys"
    keys.write_text("k" * 32)
    environ = {**environment(BASIS, EXAMPLE), "SESSION_KEYS": str(keys)}
    settings = load(BASE / "config.yaml", environ)
    assert session_keys(settings, environ) == ["k" * 32]
    return settings


def test_the_overlay_says_where_the_pods_are(settings: Settings) -> None:
    pool = settings.pools["stable-diffusion"]

    assert pool.hosts == ("pictures.example.com",)
    assert pool.backends.dns is not None
    assert (pool.backends.dns.name, pool.backends.dns.port) == ("stable-diffusion.pictures.svc.cluster.local", 7860)


def test_all_that_is_named_is_there() -> None:
    for directory, kustomization in ((BASE, BASIS), (OVERLAY, EXAMPLE)):
        files = [file for generator in kustomization["configMapGenerator"] for file in generator.get("files", ())]
        assert all((directory / name).exists() for name in (*kustomization["resources"], *files))
    generated = {generator["name"] for generator in BASIS["configMapGenerator"]}
    used = {VOLUMES["config"]["configMap"]["name"], *(each["configMapRef"]["name"] for each in CONTAINER["envFrom"])}
    assert used == generated
    assert MOUNTS.keys() == VOLUMES.keys()


def test_ports_are_those_that_the_gateway_listens_on(settings: Settings) -> None:
    assert (settings.listen.port, settings.ops.port) == (PORTS["http"], PORTS["ops"])
    assert (settings.listen.host, settings.ops.host) == ("0.0.0.0", "0.0.0.0")
    assert f"EXPOSE {PORTS['http']} {PORTS['ops']}\n" in DOCKERFILE


def test_probes_ask_the_operators_port() -> None:
    asked = {kind: CONTAINER[kind]["httpGet"] for kind in ("readinessProbe", "livenessProbe")}

    assert asked == {
        "readinessProbe": {"path": "/readyz", "port": "ops"},
        "livenessProbe": {"path": "/healthz", "port": "ops"},
    }


def test_the_operators_port_is_for_few() -> None:
    service = manifest(BASE / "service.yaml")["spec"]
    policy = manifest(BASE / "network-policy.yaml")["spec"]

    assert [port["targetPort"] for port in service["ports"]] == ["http"]
    assert policy["podSelector"]["matchLabels"] == BASIS["labels"][0]["pairs"]
    open_to_all = [port["port"] for rule in policy["ingress"] if "from" not in rule for port in rule["ports"]]
    assert open_to_all == ["http"]


def test_there_is_never_a_second_gateway() -> None:
    assert (DEPLOYMENT["replicas"], DEPLOYMENT["strategy"]["type"]) == (1, "Recreate")


def test_kubernetes_waits_until_the_gateway_has_stopped(settings: Settings) -> None:
    assert POD["terminationGracePeriodSeconds"] >= settings.stop.delay + settings.stop.grace + 10


def test_what_is_held_for_others_has_room(settings: Settings) -> None:
    held = sum(pool.queue.bytes for pool in settings.pools.values())

    assert parse_size(VOLUMES["tmp"]["emptyDir"]["sizeLimit"]) > held
    assert parse_size(CONTAINER["resources"]["limits"]["memory"]) >= held + 256 * 1024 * 1024


def test_it_runs_as_the_image_means_it() -> None:
    user, pod = re.search(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE), POD["securityContext"]

    assert user is not None
    assert [int(number) for number in user.groups()] == [pod["runAsUser"], pod["runAsGroup"]]
    assert f'"--config", "{MOUNTS["config"]}/config.yaml"]' in DOCKERFILE
    assert "command" not in CONTAINER
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"]
    assert MOUNTS["tmp"] == "/tmp"
