"""Why a backend is not ready, on its way to the pool and to the log."""

from __future__ import annotations

from structlog.testing import capture_logs

from gateway.core.records.listed import Listed
from gateway.probing.unready import UnreadyReport
from tests.doubles.recording_reports import RecordingReports


def test_each_reason_is_passed_on_and_warned_of_once() -> None:
    reports = RecordingReports()
    report = UnreadyReport(Listed("gpu-1", "10.0.0.1:80", "gpu-1"), reports, 0, lambda: 0, lambda: False)
    with capture_logs() as events:
        for evidence in ("404", "404", "refused", "", "", "refused"):
            report(evidence)

    assert reports.told == ["gpu-1 unready: 404", "gpu-1 unready: refused", "gpu-1 unready: ", "gpu-1 unready: refused"]
    assert [event["evidence"] for event in events] == ["404", "refused", "refused"]
    assert events[0]["event"] == "backend_not_ready"


def test_who_starts_is_given_time_and_who_was_ready_is_not() -> None:
    now = 0.0
    reports = RecordingReports()
    report = UnreadyReport(Listed("pod-1", "10.0.0.1:80", "pod-1"), reports, 60, lambda: now, lambda: False)
    report("refused")
    now = 59
    report("refused")
    assert reports.told == []
    now = 60
    report("refused")
    assert reports.since_last_look() == ["pod-1 unready: refused"]

    report("")
    report("refused")
    assert reports.told == ["pod-1 unready: ", "pod-1 unready: refused"]


def test_of_one_that_leaves_the_log_says_nothing() -> None:
    reports, leaving = RecordingReports(), False
    report = UnreadyReport(Listed("pod-1", "10.0.0.1:80", "pod-1"), reports, 0, lambda: 0, lambda: leaving)
    with capture_logs() as events:
        report("")
        leaving = True
        report("503 shutting down")
    assert (reports.told[-1], events) == ("pod-1 unready: 503 shutting down", [])
