"""Transcripts: backends that come and go, and operators who drain them."""

from __future__ import annotations

from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane
from gateway.core.records.listed import BackendState, Listed
from tests.core.playbook import Playbook

EXEMPT = Lane.EXEMPT


def test_a_backend_seen_for_the_first_time_may_still_be_at_work() -> None:
    p = Playbook(can_ask=True)
    p.pods("gpu-1", ready=True)
    p.arrive("a")
    p.waits("a")
    assert not p.pool.is_cold
    for at in (1, 2):
        p.at(at)
        p.idle("gpu-1")
    p.granted("a")


def test_a_process_of_ours_is_known_to_be_fresh() -> None:
    p = Playbook(can_ask=True)
    p.pods("gpu-1", ready=True, fresh=True)
    p.arrive("a")
    p.granted("a")


def test_where_nothing_is_ever_quarantined_a_stranger_is_not_either() -> None:
    p = Playbook(can_ask=True, unknown_for=0.0)
    p.pods("gpu-1", ready=True)
    p.arrive("a")
    p.granted("a")


def test_a_vanished_backend_drains_and_is_the_same_when_it_comes_back() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    before = p.pool.backends["gpu-1"]
    p.pods()
    p.arrive("b")
    p.waits("b")
    p.pods("gpu-1")
    assert p.pool.backends["gpu-1"] is before
    p.leave("a")
    p.granted("b")
    p.pods()
    p.leave("b")
    assert p.pool.backends == {}


def test_a_vanished_backend_keeps_its_quarantine() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.pods()
    p.leave("a", Ending.BACKEND_SLOW_ANSWER, quarantine=30)
    p.pods("gpu-1")
    p.arrive("b")
    p.waits("b")
    p.at(30)
    p.granted("b")


def test_a_suspect_that_vanishes_is_forgotten() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.give_back("a")
    p.pods()
    assert p.pool.backends == {}
    p.at(1)
    p.waits("a")


def test_draining_and_gone_are_for_good() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.state("gpu-1", BackendState.DRAINING)
    p.state("gpu-1", BackendState.READY)
    p.arrive("b")
    p.waits("b")
    p.state("gpu-1", BackendState.GONE)
    p.state("gpu-1", BackendState.READY)
    p.state("nobody", BackendState.READY)
    p.idle("nobody")
    p.waits("b")


def test_the_pod_to_stop_has_no_work_the_fewest_sessions_and_the_longest_rest() -> None:
    p = Playbook("gpu-1", "gpu-2", "gpu-3", "gpu-4")
    p.arrive("busy")
    p.granted("busy", on="gpu-1")
    p.arrive("visitor", session="s", home="gpu-2")
    p.granted("visitor", on="gpu-2")
    p.leave("visitor")
    p.at(5)
    p.arrive("x")
    p.granted("x", on="gpu-3")
    p.leave("x")
    assert [p.take_for_removal() for _ in range(4)] == ["gpu-4", "gpu-3", "gpu-2", None]
    p.arrive("y")
    p.waits("y")


def test_an_open_page_holds_no_pod_but_a_download_does() -> None:
    p = Playbook("gpu-1")
    p.arrive("download", EXEMPT)
    p.granted("download")
    assert p.take_for_removal() is None
    p.leave("download")
    p.arrive("socket", Lane.PASSIVE)
    p.granted("socket")
    assert p.take_for_removal() == "gpu-1"


def test_addresses_are_those_of_the_last_listing() -> None:
    p = Playbook()
    p.pool.replace_backends([Listed("uid", "10.0.0.1:8012", "gpu-1", direct_address="10.0.0.1:7860")], 0)
    assert p.pool.backends["uid"].direct_address == "10.0.0.1:7860"
    p.pool.replace_backends([Listed("uid", "10.0.0.1:8013", "gpu-1")], 0)
    backend = p.pool.backends["uid"]
    assert (backend.address, backend.direct_address) == ("10.0.0.1:8013", None)
    assert [backend.address_for(lane) for lane in (Lane.COUNTED, Lane.EXEMPT)] == ["10.0.0.1:8013"] * 2


def test_what_takes_no_slot_goes_where_it_waits_for_nobody() -> None:
    p = Playbook()
    p.pool.replace_backends([Listed("uid", "10.0.0.1:8012", "gpu-1", direct_address="10.0.0.1:7860")], 0)
    backend = p.pool.backends["uid"]
    assert backend.address_for(Lane.COUNTED) == "10.0.0.1:8012"
    assert {backend.address_for(lane) for lane in (Lane.EXEMPT, Lane.PASSIVE)} == {"10.0.0.1:7860"}


def test_an_operators_drain_lasts_until_the_operator_ends_it() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.drain("gpu-1")
    p.leave("a")
    p.arrive("b")
    p.ready("gpu-1")
    p.pods()
    p.pods("gpu-1")
    p.ready("gpu-1")
    p.waits("b")
    p.undrain("gpu-1")
    p.granted("b", on="gpu-1")


def test_who_waits_for_a_home_that_an_operator_drains_is_served_elsewhere() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.arrive("a", session="s", home="gpu-1")
    p.granted("a", on="gpu-1")
    p.arrive("b", session="s", home="gpu-1")
    p.waits("b")
    p.drain("gpu-1")
    p.granted("b", on="gpu-2")
    assert not p.pool.has_another(p.pool.backends["gpu-2"])


def test_one_that_an_operator_drained_goes_first_and_is_forgotten_when_it_is_gone() -> None:
    p = Playbook("gpu-1", "gpu-2")
    p.drain("gpu-2")
    assert p.take_for_removal() == "gpu-2"
    p.state("gpu-2", BackendState.GONE)
    p.pods("gpu-1", "gpu-2")
    p.ready("gpu-1", "gpu-2")
    assert p.pool.ready_count == 2


def test_a_drain_of_nobody_changes_nothing() -> None:
    p = Playbook("gpu-1")
    p.drain("nobody")
    p.undrain("nobody")
    assert p.pool.ready_count == 1


def test_a_suspect_under_an_operators_drain_does_not_rest() -> None:
    p = Playbook("gpu-1")
    p.arrive("a")
    p.granted("a")
    p.give_back("a")
    p.drain("gpu-1")
    p.at(5)
    p.waits("a")
    assert p.pool.counts.cold_starts == 1
