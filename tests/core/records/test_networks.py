"""What counts as one client address."""

from __future__ import annotations

import pytest

from gateway.core.records.networks import EVERYWHERE, host_and_port, network_of


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:1::7", network_of("2001:db8:0:1:ffff::1")),
        ("fe80::1%eth0", network_of("fe80::2")),
        ("no: address", EVERYWHERE),
    ],
)
def test_what_counts_as_one_address(address: str, network: str) -> None:
    assert network_of(address) == network
    assert network_of("2001:db8:0:2::7") != network


def test_an_ipv6_address_with_a_port_is_in_brackets() -> None:
    assert [host_and_port(host, 80) for host in ("sd", "10.0.0.1", "::1")] == ["sd:80", "10.0.0.1:80", "[::1]:80"]
