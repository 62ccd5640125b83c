from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import trustme

from gateway.kubernetes.access import NoAccess
from gateway.kubernetes.in_cluster import in_cluster, is_in_cluster

if TYPE_CHECKING:
    from pathlib import Path

POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


@pytest.fixture
def mount(tmp_path: Path) -> Path:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ca.crt"))
    (tmp_path / "token").write_text("secret\n")
    (tmp_path / "namespace").write_text("sd\n")
    return tmp_path


def test_a_pod_knows_the_way(mount: Path) -> None:
    access = in_cluster(POD, mount)
    assert (access.server, access.namespace, access.token()) == ("https://10.96.0.1:443", "sd", "secret")
    assert access.tls is not None
    (mount / "token").write_text("rotated\n")
    assert access.token() == "rotated"


def test_over_ipv6(mount: Path) -> None:
    assert in_cluster({**POD, "KUBERNETES_SERVICE_HOST": "fd00::1"}, mount).server == "https://[fd00::1]:443"


def test_outside_of_a_pod(mount: Path) -> None:
    assert (is_in_cluster(POD), is_in_cluster({})) == (True, False)
    with pytest.raises(NoAccess, match="KUBERNETES_SERVICE_HOST is not set"):
        in_cluster({}, mount)


@pytest.mark.parametrize("missing", ["token", "ca.crt", "namespace"])
def test_a_service_account_that_is_not_mounted(mount: Path, missing: str) -> None:
    (mount / missing).unlink()
    with pytest.raises(NoAccess, match="automountServiceAccountToken"):
        in_cluster(POD, mount)
