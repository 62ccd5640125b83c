"""Who takes part in a measurement."""

from __future__ import annotations

from bench.children import Cores
from bench.peers import PEERS
from bench.rounds import Bench, Effort
from bench.targets import Direct, Target, peer_target


def test_what_refuses_when_pods_are_busy_takes_no_part_where_requests_wait_and_that_is_said() -> None:
    targets: list[Target] = [Direct(), *(peer_target(peer, f"/usr/sbin/{peer.name}") for peer in PEERS)]
    able, notes = Bench(targets, Cores(), Effort(1, 1.0, 1.0, 1), print).with_a_line()
    assert [target.name for target in able.targets] == ["direct", "haproxy", "envoy", "caddy"]
    assert notes == ["nginx is left out: it has no line, and refuses what finds every pod at its limit"]
