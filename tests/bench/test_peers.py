"""How peers are configured, and found."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.job import Job
from bench.peers import PEERS, Peer, envoy, find_program, haproxy, version_of

PODS = [("127.0.0.1", 9001), ("127.0.0.1", 9002)]
BUSY = Job(port=8080, pods=PODS, limit=1, folder=Path("/somewhere"))


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_each_listens_where_it_is_told_knows_every_pod_in_both_lanes_and_the_paths(peer: Peer) -> None:
    text = peer.configuration(BUSY)
    assert "8080" in text
    assert (text.count("9001"), text.count("9002")) == (2, 2)
    assert "/fast/" in text


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_each_is_told_the_limit(peer: Peer) -> None:
    other = Job(BUSY.port, BUSY.pods, 77, BUSY.folder)
    assert "77" in peer.configuration(other)
    assert "77" not in peer.configuration(BUSY)


def test_only_nginx_has_no_line() -> None:
    assert [peer.name for peer in PEERS if not peer.queues] == ["nginx"]


def test_envoys_lanes_differ_in_their_connections_alone() -> None:
    clusters = json.loads(envoy(BUSY))["static_resources"]["clusters"]
    limits = {each["name"]: each["circuit_breakers"]["thresholds"][0]["max_connections"] for each in clusters}
    assert limits == {"open": 4096, "counted": 1}


def test_only_who_is_told_to_looks_at_how_pods_answer() -> None:
    assert "check" not in haproxy(BUSY)
    assert "default-server maxconn 1 check observe layer7" in haproxy(BUSY, "check observe layer7")
    plain, told = (
        json.loads(text)["static_resources"]["clusters"] for text in (envoy(BUSY), envoy(BUSY, {"consecutive_5xx": 3}))
    )
    assert not any("outlier_detection" in cluster for cluster in [*plain, told[0]])
    assert told[1]["outlier_detection"] == {"consecutive_5xx": 3}


def test_a_program_that_is_nowhere_is_not_found() -> None:
    assert find_program("no-such-proxy") is None


def test_the_version_is_read_from_whatever_a_program_says() -> None:
    assert version_of(_saying("2.6.12-1+deb12u4"), "/bin/echo") == "2.6.12"
    assert version_of(_saying("nothing to the point"), "/bin/echo") == "of unknown version"
    assert version_of(_saying("1.2.3"), "/no/such/program") == "of unknown version"


def _saying(words: str) -> Peer:
    return Peer("echo", lambda job: "", lambda file: (), words)
