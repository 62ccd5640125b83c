"""AUTOMATIC1111's web UI with `--api` (1.8). Its page is Gradio 3.41: each click is a websocket to one route, and which
of them work on the GPU is seen in what they say (`webui_events.event`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles import webui_answers as answers
from gateway.profiles import webui_events as events
from gateway.profiles.gradio_events import GRADIO_SOCKET
from gateway.profiles.rules import rule
from gateway.profiles.treatment import More
from gateway.profiles.webui import webui

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.profiles.rules import Rule
    from gateway.profiles.treatment import Asked, Profile, Treatment


def a1111(rules: Iterable[Rule] = ()) -> Profile:
    """Ready when the API answers; says itself whether it is idle; can be interrupted."""
    return webui("a1111", rules, page=SOCKET_PAGE)


def _socket_event(asked: Asked) -> Treatment:
    return events.event(asked, answers.STOP_BY_SOCKET, GRADIO_SOCKET)


def _called_event(asked: Asked) -> Treatment:
    return events.event(asked, answers.STOP_BY_CALL)


_EVENT = More(_called_event, by_body=True)

#: /run and /api: clicks without a queue (--no-gradio-queue).
SOCKET_PAGE = (
    rule("GET /queue/join", Lane.COUNTED, WhenBusy.WAIT, more=More(_socket_event, dialogue=GRADIO_SOCKET)),
    rule("POST /run/*", Lane.COUNTED, WhenBusy.WAIT, more=_EVENT),
    rule("POST /api/*", Lane.COUNTED, WhenBusy.WAIT, more=_EVENT),
)
