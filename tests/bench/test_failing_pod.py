"""Who is measured in front of a pod that fails, and what counts as lost."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.failing_pod import FAILINGS, contenders, paint
from bench.fleet import fleet
from bench.job import Job
from bench.manners import MANNERS
from bench.peers import PEERS
from bench.targets import GATEWAY, Direct, peer_target

JOB = Job(port=8080, pods=[("127.0.0.1", 9001)], limit=1, folder=Path("/somewhere"))
PROXIES = {
    proxy.name: proxy
    for proxy in contenders([Direct(), GATEWAY, *(peer_target(peer, f"/usr/sbin/{peer.name}") for peer in PEERS)])
}


def test_each_that_can_eject_takes_part_in_every_way_it_can_be_told_to() -> None:
    assert list(PROXIES) == [
        "gateway",
        "gateway, quarantine.max 0",
        "gateway, health.errors 0",
        "haproxy, check",
        "haproxy, error-limit 3",
        "haproxy, error-limit 5",
        "envoy, consecutive_5xx 3",
        "envoy, consecutive_5xx 5",
    ]


def test_without_peers_the_gateway_stays() -> None:
    assert {proxy.name.partition(",")[0] for proxy in contenders([Direct(), GATEWAY])} == {"gateway"}


def test_each_is_configured_as_its_name_says() -> None:
    def pool(name: str) -> dict[str, object]:
        found: dict[str, object] = json.loads(PROXIES[name].configuration(JOB))["pools"]["bench"]
        return found

    assert "health" not in pool("gateway")
    assert pool("gateway, health.errors 0")["health"] == {"errors": 0}
    assert pool("gateway, quarantine.max 0")["quarantine"] == {"max": 0}
    assert " check observe layer7 on-error mark-down error-limit 5" in PROXIES["haproxy, error-limit 5"].configuration(
        JOB
    )
    counted = json.loads(PROXIES["envoy, consecutive_5xx 3"].configuration(JOB))["static_resources"]["clusters"][1]
    assert counted["outlier_detection"]["consecutive_5xx"] == 3


def test_pods_fail_in_manners_that_there_are() -> None:
    assert set(FAILINGS) == set(MANNERS) - {"well"}


@pytest.mark.anyio
@pytest.mark.parametrize(("manner", "lost"), [("well", 0), ("error", 9), ("break", 9), ("flap", 6)])
async def test_lost_is_whatever_is_not_a_picture(manner: str, lost: int) -> None:
    async with fleet(1, frozenset(), work=0.001, manner=manner) as pods:
        assert (await paint(pods.addresses[0], 9)).lost == lost
