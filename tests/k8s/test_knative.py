"""In front of a Knative Service: as it is written for ACK Knative, hidden from the world, and mapped to the gateway."""

from __future__ import annotations

from tests.k8s.rendered import configuration, named, of_kind

OVERLAY = "overlays/knative"
SERVICE = named(OVERLAY, "Service", "stable-diffusion", "serving.knative.dev")


def test_the_service_is_as_it_is_written_for_ack() -> None:
    template = SERVICE["spec"]["template"]
    [container] = template["spec"]["containers"]

    prefix = "serving.knative.dev.alibabacloud/"
    assert SERVICE["metadata"]["annotations"] == {
        f"{prefix}affinity": "cookie",
        f"{prefix}cookie-name": "sd",
        f"{prefix}cookie-timeout": "1800",
    }
    assert template["metadata"]["annotations"] == {
        "autoscaling.knative.dev/maxScale": "10",
        "autoscaling.knative.dev/targetUtilizationPercentage": "100",
    }
    assert template["spec"]["containerConcurrency"] == 1
    assert [*container["command"], *container["args"]] == [
        *("python3", "launch.py"),
        *("--listen", "--skip-torch-cuda-test", "--api"),
    ]
    assert container["readinessProbe"]["tcpSocket"]["port"] == container["ports"][0]["containerPort"] == 7860


def test_patches_hide_the_service_and_give_a_pod_its_gpu() -> None:
    [container] = SERVICE["spec"]["template"]["spec"]["containers"]

    assert SERVICE["metadata"]["labels"] == {"networking.knative.dev/visibility": "cluster-local"}
    assert container["resources"] == {"limits": {"nvidia.com/gpu": "1"}}
    assert container["image"].startswith("registry.example.com/stable-diffusion:")


def test_the_domain_leads_to_the_gateway() -> None:
    [mapping], [claim] = of_kind(OVERLAY, "DomainMapping"), of_kind(f"{OVERLAY}/administrator", "ClusterDomainClaim")
    gateway = named(OVERLAY, "Service", mapping["spec"]["ref"]["name"], "v1")

    assert [port["port"] for port in gateway["spec"]["ports"]] == [80]  # the one that DomainMapping dials
    assert gateway["metadata"]["namespace"] == mapping["metadata"]["namespace"] == claim["spec"]["namespace"]
    assert mapping["metadata"]["name"] == claim["metadata"]["name"]


def test_the_gateway_stands_for_that_service() -> None:
    [pool] = configuration(OVERLAY)["pools"].values()

    assert pool["backends"] == {
        "knative": {"namespace": "${POD_NAMESPACE}", "service": SERVICE["metadata"]["name"]},
    }
