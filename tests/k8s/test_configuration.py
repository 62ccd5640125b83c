"""The gateway takes the configuration of every overlay, with the environment that the overlay gives it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.settings.load import load, signing_keys
from tests.k8s.rendered import generated, of_kind, with_gateway

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kustomization", with_gateway())
def test_the_gateway_takes_the_configuration(kustomization: str, tmp_path: Path) -> None:
    [account] = of_kind(kustomization, "ServiceAccount")
    namespace = account["metadata"].get("namespace", "default")
    file, keys = tmp_path / "config.yaml", tmp_path / "keys"
    file.write_text(generated(kustomization, "gateway-config")["config.yaml"])
    keys.write_text("k" * 32)
    environ = {
        **generated(kustomization, "gateway-environment"),
        "POD_NAMESPACE": namespace,
        "SESSION_KEYS": str(keys),
    }
    settings = load(file, environ)
    [pool] = settings.pools.values()
    [backends] = pool.backends.model_dump(exclude_none=True).values()

    assert signing_keys(settings, environ) == ["k" * 32]
    assert backends["namespace"] == namespace
