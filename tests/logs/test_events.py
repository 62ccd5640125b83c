"""Events: ours and others', as JSON and for people."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from gateway.logs.events import configure, is_console, through
from gateway.logs.rate_limit import PERIOD

if TYPE_CHECKING:
    from collections.abc import Iterator


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def events(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail_with_a_cookie_at_hand() -> None:
    cookie = "s3cret-cookie"
    raise ValueError(f"a cookie of {len(cookie)} letters")


def test_our_event_is_one_json_line_with_its_facts() -> None:
    stream = io.StringIO()
    configure("json", stream=stream)
    structlog.get_logger().info("backend_ready", pool="sd", backend="gpu-0", after=1.5)

    (event,) = events(stream)
    assert {"event": "backend_ready", "pool": "sd", "backend": "gpu-0", "after": 1.5, "level": "info"}.items() <= (
        event.items()
    )
    assert event["timestamp"].endswith("Z")
    assert event["logger"] == __name__


def test_uvicorns_lines_take_the_same_way() -> None:
    stream = io.StringIO()
    configure("json", stream=stream)
    logging.getLogger("uvicorn.error").warning("Started on port %d", 8080)

    (event,) = events(stream)
    assert (event["event"], event["logger"], event["level"]) == ("Started on port 8080", "uvicorn.error", "warning")


def test_those_who_tell_of_each_request_are_not_heard() -> None:
    stream = io.StringIO()
    configure("json", "debug", stream)
    for name in ("httpx", "uvicorn.access"):
        logging.getLogger(name).info("GET /secret?token=1")

    assert events(stream) == []


def test_the_level_holds_for_loggers_made_before_it_was_changed() -> None:
    stream = io.StringIO()
    configure("json", "info", stream)
    log = structlog.get_logger()
    log.debug("unheard")
    configure("json", "debug", stream)
    log.debug("heard")

    assert [event["event"] for event in events(stream)] == ["heard"]


def test_the_same_warning_is_written_once_in_a_while_and_then_says_how_often_it_was_not() -> None:
    stream, now = io.StringIO(), [0.0]
    configure("json", stream=stream, clock=lambda: now[0])
    log = structlog.get_logger()
    for request in "abc":
        log.warning("link_lost", pool="sd", request_id=request)
        log.info("chatter")
    log.warning("link_lost", pool="other")
    now[0] = PERIOD
    log.warning("link_lost", pool="sd", request_id="d")

    warnings = [event for event in events(stream) if event["event"] == "link_lost"]
    said = [(event["pool"], event.get("request_id"), event.get("suppressed")) for event in warnings]
    assert said == [("sd", "a", None), ("other", None, 2), ("sd", "d", None)]
    assert [event["event"] for event in events(stream)].count("chatter") == 3


def test_another_defect_is_another_line() -> None:
    stream = io.StringIO()
    configure("json", stream=stream, clock=lambda: 0.0)
    for broken in ("x", "y", 3):
        try:
            int(broken) if isinstance(broken, str) else broken.nothing  # type: ignore[attr-defined]
        except (ValueError, AttributeError):
            structlog.get_logger().exception("request_failed")
    assert [event["exception"].rpartition("\n")[2][:10] for event in events(stream)] == ["ValueError", "AttributeE"]


@pytest.mark.parametrize("chosen", ["json", "console"])
def test_a_traceback_shows_where_and_no_variables(chosen: Any) -> None:
    stream = io.StringIO()
    configure(chosen, stream=stream)
    try:
        fail_with_a_cookie_at_hand()
    except ValueError:
        structlog.get_logger().exception("broke")

    assert "fail_with_a_cookie_at_hand" in stream.getvalue()
    assert "a cookie of 13 letters" in stream.getvalue()
    assert "s3cret-cookie" not in stream.getvalue()


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()])
def test_nothing_that_a_terminal_would_obey_is_passed_on_to_people(stream: io.StringIO) -> None:
    configure("console", stream=stream)
    try:
        raise ValueError("\x1b]0;owned\x07")
    except ValueError:
        structlog.get_logger().exception("probe_failed", evidence="\x1b[2Jgone\r\n")
    logging.getLogger("uvicorn.error").error("said \x1b]0;owned\x07")

    shown = stream.getvalue()
    assert "\\x1b]0;owned\\x07" in shown
    assert "\\x1b[2Jgone\\r\\n" in shown
    assert "\x1b]" not in shown
    assert "\x1b[2J" not in shown


def test_auto_is_for_people_at_a_terminal_and_for_machines_elsewhere() -> None:
    assert is_console("auto", Terminal())
    assert not is_console("auto", io.StringIO())
    assert is_console("console", io.StringIO())
    assert not is_console("json", Terminal())


def test_a_closed_stream_breaks_no_sender(capfd: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    configure("json", stream=stream)
    stream.close()
    structlog.get_logger().info("nobody_reads")

    assert "nobody_reads" not in capfd.readouterr().out


def test_events_go_through_a_writer_for_a_while() -> None:
    stream, lines = io.StringIO(), list[str]()
    configure("json", stream=stream)
    with through(lines.append):
        structlog.get_logger().info("meanwhile", what="ours")
        logging.getLogger("asyncio").warning("theirs %d", 1)
    structlog.get_logger().info("afterwards")
    assert [json.loads(line)["event"] for line in lines] == ["meanwhile", "theirs 1"]
    assert [event["event"] for event in events(stream)] == ["afterwards"]
