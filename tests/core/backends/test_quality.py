"""What a turn's end says of its backend."""

from __future__ import annotations

import pytest

from gateway.core.backends.quality import Quality, failure_of, quality_of
from gateway.core.records.backends_and_tickets import Ticket
from gateway.core.records.decisions import Ending
from gateway.core.records.lanes import Lane

WELL, FAILED, UNSAID = Quality.WELL, Quality.FAILED, Quality.UNSAID


def answered(status: int | None) -> Ticket:
    return Ticket(Lane.COUNTED, status=status)


@pytest.mark.parametrize(
    ("status", "ending", "quality"),
    [
        (200, Ending.SERVED, WELL),
        (304, Ending.SERVED, WELL),
        (101, Ending.SERVED, WELL),
        (None, Ending.SERVED, WELL),  # a job that was followed to its end
        (422, Ending.SERVED, UNSAID),  # the client's fault
        (500, Ending.SERVED, FAILED),
        (503, Ending.CLIENT_LEFT_IN_ANSWER, FAILED),
        (None, Ending.BACKEND_BROKE_BEFORE_ANSWER, FAILED),
        (None, Ending.BACKEND_BAD_ANSWER, FAILED),
        (200, Ending.BACKEND_BROKE_IN_ANSWER, FAILED),
        (None, Ending.BACKEND_SLOW_ANSWER, UNSAID),  # a long job, perhaps
        (200, Ending.BACKEND_STALLED_IN_ANSWER, UNSAID),
        (200, Ending.CLIENT_LEFT_IN_ANSWER, UNSAID),
        (None, Ending.STOPPED_BEFORE_ANSWER, UNSAID),
        (None, Ending.INTERNAL_ERROR, UNSAID),
    ],
)
def test_a_turn_failed_by_its_backends_fault_alone(status: int | None, ending: Ending, quality: Quality) -> None:
    assert quality_of(answered(status), ending) is quality


def test_a_job_that_broke_behind_a_good_answer_is_a_failed_turn() -> None:
    ticket = Ticket(Lane.COUNTED, status=200, failure="it lost a job")
    assert quality_of(ticket, Ending.SERVED) is FAILED
    assert failure_of(ticket, Ending.SERVED) == "it lost a job"


def test_a_failure_has_words() -> None:
    assert failure_of(answered(500), Ending.SERVED) == "it answered 500"
    assert failure_of(answered(None), Ending.BACKEND_BAD_ANSWER) == "its answer was not HTTP"
