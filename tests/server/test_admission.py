"""Who is served, who is told to come back, and who is not even told."""

from __future__ import annotations

import pytest

from gateway.core.records.networks import EVERYWHERE
from gateway.server.admission import Admission
from gateway.server.limits import Limits, connections_within
from gateway.server.refusals import ADDRESS_FULL, CONNECTIONS_FULL

LIMITS = Limits(connections=4, connections_per_address=2, rejected=1)


def test_one_address_has_its_share_and_gets_it_back() -> None:
    admission = Admission()
    first, second = admission.enter("a", LIMITS), admission.enter("a", LIMITS)
    third = admission.enter("a", LIMITS)
    assert (first.refusal, second.refusal, third.refusal) == (None, None, ADDRESS_FULL)
    assert admission.enter("b", LIMITS).refusal is None
    admission.leave(third)
    assert admission.enter("a", LIMITS).refusal is ADDRESS_FULL  # nobody who was served has left
    admission.leave(first)
    assert admission.enter("a", LIMITS).refusal is None


def test_all_together_have_a_bound_also_those_that_have_none_alone() -> None:
    admission = Admission()
    results = [admission.enter(EVERYWHERE, LIMITS) for _ in range(4)]
    assert all(result.refusal is None for result in results)
    assert admission.enter(EVERYWHERE, LIMITS).refusal is CONNECTIONS_FULL
    assert admission.enter("a", LIMITS).refusal is CONNECTIONS_FULL
    admission.leave(results[0])
    assert admission.enter("a", LIMITS).refusal is None


def test_only_so_many_hear_that_there_are_too_many() -> None:
    admission = Admission()
    for _ in range(2):
        admission.enter("a", LIMITS)
    told, untold = admission.enter("a", LIMITS), admission.enter("a", LIMITS)
    assert (told.is_told, untold.is_told) == (True, False)
    admission.leave(untold)
    admission.leave(told)
    assert admission.enter("a", LIMITS).is_told


@pytest.mark.parametrize(("descriptors", "served"), [(256, 76), (1024, 384), (20_000, 7974), (16, 1)])
def test_each_may_need_a_descriptor_more_and_some_remain(descriptors: int, served: int) -> None:
    assert connections_within(descriptors) == served
