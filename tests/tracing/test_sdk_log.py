"""The SDK speaks of itself once a minute, and never behind our backs."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from structlog.testing import capture_logs

from gateway.tracing.sdk_log import EVERY, SdkLogHandler, sdk_log

if TYPE_CHECKING:
    import pytest

SDK = logging.getLogger("opentelemetry.sdk._shared_internal.tests")


def complaint(text: str, *args: object) -> logging.LogRecord:
    return logging.LogRecord("opentelemetry.sdk", logging.WARNING, "", 0, text, args, None)


def test_one_a_minute_and_how_many_besides() -> None:
    now = 100.0
    handler = SdkLogHandler(lambda: now)
    with capture_logs() as events:
        for text in ("collector %s is down", "it still is", "and still"):
            handler.handle(complaint(text, *(["X"] if "%s" in text else [])))
        now += EVERY
        handler.handle(complaint("no better"))
    assert [(event["event"], event["log_level"]) for event in events] == [("tracing_trouble", "warning")] * 2
    assert [(event["what"], event["others"]) for event in events] == [("collector X is down", 0), ("no better", 2)]


def test_what_was_raised_is_told() -> None:
    error = OSError("no route")
    with capture_logs() as events:
        SdkLogHandler().handle(logging.LogRecord("o", logging.ERROR, "", 0, "failed", (), (OSError, error, None)))
    assert events[0]["why"] == "OSError('no route')"


def test_only_inside_and_nowhere_else(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    with capture_logs() as events, sdk_log():
        SDK.warning("a batch is lost")
        SDK.info("all is well")
    SDK.error("a last word of a thread that is left behind")
    assert [event["what"] for event in events] == ["a batch is lost"]
    assert (caplog.records, capfd.readouterr()) == ([], ("", ""))
