"""The manifests as `kubectl apply -k` would send them, rendered by the kubectl that pip brought: a distribution's own
may be too old for what the kustomizations say."""

from __future__ import annotations

import subprocess
import sysconfig
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

ROOT = Path(__file__).parent.parent.parent
K8S = ROOT / "k8s"
KUBECTL = Path(sysconfig.get_path("scripts")) / "kubectl"

Manifest: TypeAlias = dict[str, Any]

#: Every kustomization, by its path under k8s/.
KUSTOMIZATIONS = tuple(sorted(str(file.parent.relative_to(K8S)) for file in K8S.rglob("kustomization.yaml")))


@cache
def rendered(kustomization: str) -> tuple[Manifest, ...]:
    """All objects of `kustomization`, a path under k8s/."""
    done = subprocess.run(
        [KUBECTL, "kustomize", K8S / kustomization], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(kustomization: str, kind: str, group: str = "") -> list[Manifest]:
    """Those of `kustomization` that are a `kind` of an API group; none: any group."""
    return [each for each in rendered(kustomization) if each["kind"] == kind and each["apiVersion"].startswith(group)]


def named(kustomization: str, kind: str, name: str, group: str = "") -> Manifest:
    """The only one of that kind and name."""
    [found] = [each for each in of_kind(kustomization, kind, group) if each["metadata"]["name"] == name]
    return found


def with_gateway() -> list[str]:
    """The kustomizations that bring a gateway."""
    return [
        path
        for path in KUSTOMIZATIONS
        if any(each["metadata"]["name"] == "gateway" for each in of_kind(path, "Deployment"))
    ]


def configuration(kustomization: str) -> Manifest:
    """The gateway's file there, as YAML says it, before the environment is put in."""
    text: Manifest = yaml.safe_load(generated(kustomization, "gateway-config")["config.yaml"])
    return text


def generated(kustomization: str, prefix: str) -> dict[str, str]:
    """What is in the ConfigMap whose name begins so and ends in a hash."""
    maps = of_kind(kustomization, "ConfigMap")
    [data] = [each["data"] for each in maps if each["metadata"]["name"].rpartition("-")[0] == prefix]
    return dict(data)
