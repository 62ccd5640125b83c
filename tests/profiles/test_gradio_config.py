"""What Gradio's configuration says."""

from __future__ import annotations

import json

import pytest

from gateway.profiles.gradio_config import unqueued_functions, version_of
from gateway.profiles.treatment import Functions, PageFunctions


@pytest.mark.parametrize(
    ("status", "config", "version"),
    [
        (200, b'{"version":"3.41.2","mode":"blocks","components":[', "3.41.2"),  # cut off by the probe
        (200, b' {"mode": "x", "version" : "5.49.1"}', "5.49.1"),
        (401, b'{"version":"3.41.2"}', None),
        (200, b'{"detail":"Not authenticated"}', None),
        (200, b'<html>"version": "3.41.2"</html>', None),
        (200, b"", None),
    ],
)
def test_its_version(status: int, config: bytes, version: str | None) -> None:
    assert version_of(status, config) == version


def test_functions_without_the_queue() -> None:
    """As Gradio 3.41.2 says it: `None` is "as all are"."""
    dependencies = [
        {"queue": None, "api_name": "paint"},
        {"queue": False, "api_name": "halt"},
        {"queue": True},
        {"queue": False, "api_name": "paint"},  # a name that is also another's says nothing
        {"queue": 0},
        5,
    ]
    config = json.dumps({"dependencies": dependencies}).encode()
    assert unqueued_functions(200, config) == PageFunctions(light=Functions(frozenset({1, 3}), frozenset({"halt"})))


@pytest.mark.parametrize(
    ("status", "config"), [(404, b"{}"), (200, b"{}"), (200, b"[1"), (200, b'{"dependencies": 1}')]
)
def test_what_does_not_say_what_functions_there_are(status: int, config: bytes) -> None:
    assert unqueued_functions(status, config) is None
