"""A profile whose jobs are not followed to their end says so before anybody relies on it."""

from __future__ import annotations

import pytest

from gateway.profile_doubts import not_exclusive
from gateway.settings import Settings


def settings(profile: str, **told: object) -> Settings:
    return Settings.model_validate({"pools": {"sd": {"backends": {"static": ["a:1"]}, "profile": profile, **told}}})


@pytest.mark.parametrize("profile", ["gradio", "forge"])
def test_some_do_not_keep_everything_one_at_a_time(profile: str) -> None:
    [finding] = not_exclusive(settings(profile))
    assert finding.at == ("pools", "sd", "profile")
    assert "/queue/join" in finding.expected


@pytest.mark.parametrize("profile", ["generic", "a1111", "sdnext", "comfyui"])
def test_the_others_do(profile: str) -> None:
    assert list(not_exclusive(settings(profile))) == []


def test_without_a_limit_nothing_is_promised() -> None:
    assert list(not_exclusive(settings("gradio", concurrency=0))) == []
