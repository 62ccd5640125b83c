"""Classifies requests whose method and path do not settle their treatment: shows the profile the request and the
beginning of its body, once. The profile takes what it cannot see for the worst."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.dialogues.registry import SOCKETS
from gateway.profiles.treatment import LOOK, Asked
from gateway.proxy.body.spool import warn_of_disk

if TYPE_CHECKING:
    from gateway.profiles.treatment import Treatment
    from gateway.proxy.body.stored import Body
    from gateway.proxy.context import RequestContext


def is_open(treatment: Treatment) -> bool:
    """The profile has yet to be asked. Where a dialogue will ask, what is known now counts until then."""
    more = treatment.more
    return more is not None and more.ask is not None and more.dialogue is None


def is_spoken_here(treatment: Treatment) -> bool:
    """Its dialogue is one on a websocket, which the gateway speaks in the backend's place until it knows the job."""
    return treatment.more is not None and treatment.more.dialogue in SOCKETS


def needs_body(treatment: Treatment) -> bool:
    """Whether the profile cannot be asked before the body is here."""
    return is_open(treatment) and treatment.more is not None and treatment.more.by_body


async def settled(context: RequestContext, treatment: Treatment, body: Body) -> Treatment:
    """What counts of an open treatment; `body`: as much of the request's as was read before it takes its place."""
    begins, whole = await _beginning(context, body)
    return answered(context, treatment, begins, whole=whole)


def answered(context: RequestContext, treatment: Treatment, begins: bytes, *, whole: bool) -> Treatment:
    """The profile's answer, if it has a question, to the beginning of a body or of a message."""
    more = treatment.more
    if more is None or more.ask is None:
        return treatment
    counts = more.ask(Asked(context.method, context.raw_path, context.query, begins, whole))
    return counts if counts.rule else replace(counts, rule=treatment.rule)


async def _beginning(context: RequestContext, body: Body) -> tuple[bytes, bool]:
    try:
        begins = await body.beginning(LOOK)
    except OSError as error:
        warn_of_disk(error)
        return b"", False
    return begins, context.request_body.ended and len(begins) == body.length
