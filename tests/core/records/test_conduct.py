"""What is remembered of a backend's turns."""

from __future__ import annotations

from gateway.core.records.conduct import REMEMBERED, Conduct


def test_failures_in_a_row_of_one_sender_and_of_several() -> None:
    one, several = Conduct(), Conduct()
    for _ in range(3):
        one.failed("a")
    for sender in ("a", "b", "b"):
        several.failed(sender)

    assert (one.failures, one.several_senders) == (3, False)
    assert (several.failures, several.several_senders) == (3, True)


def test_a_success_ends_the_row() -> None:
    conduct = Conduct()
    for sender in ("a", "b"):
        conduct.failed(sender)
    conduct.went_well()
    conduct.failed("a")

    assert (conduct.failures, conduct.several_senders, list(conduct.last)) == (1, False, [True, True, False, True])


def test_the_last_turns_are_remembered_and_no_more() -> None:
    conduct = Conduct()
    for _ in range(REMEMBERED + 5):
        conduct.went_well()

    assert len(conduct.last) == REMEMBERED
