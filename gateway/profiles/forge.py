"""Forge: A1111's API on Gradio 4.40, whose events are posted and told of on a stream, without the prefix of Gradio 5.

Its progress has been seen to stand still, and to tell of a job when there was none (issue 1814 there). That errs on the
safe side: a slot that is asked about stays quarantined for as long as it may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles import webui_answers as answers
from gateway.profiles import webui_events as events
from gateway.profiles.gradio import GRADIO_STREAM, event_rules, stream_rules
from gateway.profiles.rules import rule
from gateway.profiles.webui import webui

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.profiles.rules import Rule
    from gateway.profiles.treatment import Asked, Profile, Treatment


#: The click of a page of Gradio 3, which forks of Forge have kept. They want the profile `a1111`; here it is slow.
_GRADIO_3 = rule("GET /queue/join", Lane.COUNTED, WhenBusy.WAIT)


def forge(rules: Iterable[Rule] = ()) -> Profile:
    """As a1111, except for the page and for the options that load something."""
    page = (_GRADIO_3, *stream_rules(""), *event_rules("", _event))
    return webui("forge", rules, page=page, loading_prefixes=("forge_",))


def _event(asked: Asked) -> Treatment:
    in_one_exchange = asked.raw_path.startswith((b"/run/", b"/api/"))
    return events.event(asked, answers.STOP_BY_CALL if in_one_exchange else answers.STOP_BY_POST, GRADIO_STREAM)
