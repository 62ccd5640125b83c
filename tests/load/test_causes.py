"""The words for an error: its kind, and what the system said at its bottom."""

from __future__ import annotations

import errno
import socket

import pytest

from gateway.load.causes import cause_of


def test_what_the_system_said_is_found_below_what_libraries_say() -> None:
    refused = ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed ('127.0.0.1', 1)")
    wrapped = OSError("All connection attempts failed")
    wrapped.__cause__ = refused
    error = RuntimeError("All connection attempts failed")
    error.__context__ = wrapped
    assert cause_of(error) == "RuntimeError: Connection refused"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ValueError("Server disconnected"), "ValueError: Server disconnected"),
        (ValueError(), "ValueError"),
        (socket.gaierror(-2, "Name or service not known"), "gaierror: [Errno -2] Name or service not known"),
    ],
)
def test_without_one_it_is_the_error_s_own_text(error: Exception, said: str) -> None:
    assert cause_of(error) == said
