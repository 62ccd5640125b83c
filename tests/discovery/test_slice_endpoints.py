"""Reading slices: each pod once, at one address, with the conditions that matter."""

from __future__ import annotations

from typing import Any

from gateway.core.records.listed import Listed
from gateway.discovery.slice_endpoints import Endpoint, endpoints_of, ports_of
from tests.doubles.cluster import endpoint, slice_of


def summary(*slices: dict[str, Any], port: str | int | None = "http") -> list[str]:
    """Each endpoint in few words."""
    return [
        f"{each.listed.identity} {each.listed.address}"
        + (" terminating" if each.terminating else "" if each.ready else " not ready")
        for each in endpoints_of(slices, port)
    ]


def test_a_pod_is_its_uid_and_shows_its_name() -> None:
    said = slice_of("a", endpoint("1", "10.0.0.1", ready=True))
    assert endpoints_of([said], "http", direct_port=8080) == [
        Endpoint(Listed("1", "10.0.0.1:7860", "pod-1", direct_address="10.0.0.1:8080"), ready=True, terminating=False)
    ]


def test_conditions_and_those_that_are_missing() -> None:
    assert summary(
        slice_of(
            "a",
            endpoint("1", "10.0.0.1"),
            endpoint("2", "10.0.0.2", ready=False),
            endpoint("3", "10.0.0.3", ready=False, serving=True, terminating=True),
        )
    ) == ["1 10.0.0.1:7860", "2 10.0.0.2:7860 not ready", "3 10.0.0.3:7860 terminating"]


def test_several_slices_and_one_pod_in_two_of_them() -> None:
    assert summary(
        slice_of("a", endpoint("1", "10.0.0.1", ready=False, terminating=True), endpoint("2", "10.0.0.2")),
        slice_of("b", endpoint("1", "10.0.0.1", ready=True), endpoint("3", "10.0.0.3")),
    ) == ["1 10.0.0.1:7860 terminating", "2 10.0.0.2:7860", "3 10.0.0.3:7860"]


def test_of_two_families_one_is_taken() -> None:
    v4 = slice_of("a", endpoint("1", "10.0.0.1"))
    v6 = slice_of("b", endpoint("1", "fd00::1"), family="IPv6")
    assert summary(v6, v4) == ["1 10.0.0.1:7860"]
    assert summary(v6, slice_of("a")) == ["1 [fd00::1]:7860"]
    assert summary(slice_of("a", endpoint("1", "example.com"), family="FQDN")) == []


def test_a_port_by_name_may_have_a_number_in_each_slice_and_a_number_is_taken_as_it_is() -> None:
    slices = [slice_of("a", endpoint("1", "10.0.0.1")), slice_of("b", endpoint("2", "10.0.0.2"), port=7861)]
    assert summary(*slices) == ["1 10.0.0.1:7860", "2 10.0.0.2:7861"]
    assert summary(*slices, port=9999) == ["1 10.0.0.1:9999", "2 10.0.0.2:9999"]
    assert summary(*slices, port="grpc") == []
    assert ports_of(slices) == ["http"]


def test_no_ports_no_endpoints_no_pod() -> None:
    bare = {"addressType": "IPv4", "endpoints": [{"addresses": ["10.0.0.1"]}], "ports": None}
    assert summary(bare, port=80) == ["10.0.0.1:80 10.0.0.1:80"]
    assert summary(bare) == []
    assert summary({"addressType": "IPv4", "endpoints": None}, port=80) == []
    unnamed = {**bare, "ports": [{"port": 80}, {"port": 53, "protocol": "UDP", "name": "dns"}, {"name": "any"}]}
    assert (summary(unnamed, port=""), ports_of([unnamed, {}])) == (["10.0.0.1:80 10.0.0.1:80"], [""])


def test_a_port_without_a_name_is_the_only_one_there_is() -> None:
    one = slice_of("a", endpoint("1", "10.0.0.1"))
    two = {**one, "ports": [*one["ports"], {"name": "metrics", "port": 9090}]}
    assert summary(one, port=None) == ["1 10.0.0.1:7860"]
    assert summary(two, port=None) == []
