"""Events of what has become of a backend."""

from __future__ import annotations

import math

import pytest
from structlog.testing import capture_logs

from gateway.core.records.backends_and_tickets import Backend
from gateway.core.records.decisions import Ending, Judged, Quarantined
from gateway.wiring.backend_news import tell_of_backend

GPU_1 = Backend("uid-1", "127.0.0.1:7860", "gpu-1", limit=1, order=1)
WHY = "5 turns in a row failed, the last one: it answered 500"


@pytest.mark.parametrize(
    ("news", "event", "said"),
    [
        (Judged(GPU_1, WHY, 10.0), "backend_ejected", {"evidence": WHY, "seconds": 10.0}),
        (Judged(GPU_1, WHY, 0.0), "backend_fails", {"evidence": WHY}),
        (
            Quarantined(GPU_1, Ending.BACKEND_BROKE_BEFORE_ANSWER, 60.04),
            "slot_quarantined",
            {"evidence": "backend_broke_before_answer", "at_most": 60.0},
        ),
        (
            Quarantined(GPU_1, Ending.CLIENT_LEFT_IN_ANSWER, math.inf),
            "slot_quarantined",
            {"evidence": "client_left_in_answer", "at_most": None},
        ),
    ],
)
def test_each_is_one_warning_with_its_reason_and_its_remedy(
    news: Judged | Quarantined, event: str, said: dict[str, object]
) -> None:
    with capture_logs() as lines:
        tell_of_backend("sd", news)

    (line,) = lines
    assert {name: line[name] for name in said} == said
    assert (line["event"], line["log_level"], line["pool"], line["backend"]) == (event, "warning", "sd", "gpu-1")
    assert line["means"]
    assert line["do"]
