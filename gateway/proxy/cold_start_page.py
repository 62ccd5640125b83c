"""The cold-start page as a step of a request: what a browser gets in place of waiting for a first backend, and
nothing for the icon that it asks for beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane
from gateway.proxy.answers.waiting_page import ICON, is_beside

if TYPE_CHECKING:
    from gateway.profiles.treatment import Treatment
    from gateway.proxy.answers.problems import Answer
    from gateway.proxy.pool.served_pool import ServedPool
    from gateway.proxy.request import Request


def treatment_of(request: Request, pool: ServedPool) -> Treatment:
    """The profile's, but that the icon of a page which tells of the start wakes nothing."""
    treatment = pool.profile.treat(request.method, request.sent_path)
    if request.path == ICON and pool.rules.waiting_page is not None and is_beside(pool.driver.pool, treatment.lane):
        return replace(treatment, lane=Lane.PASSIVE)
    return treatment


def page_instead(request: Request, pool: ServedPool, lane: Lane) -> Answer | None:
    """The page, or the answer to its poll. None: go on, which is nearly always. Raises Refused if the start is hopeless
    or the gateway stops."""
    page = pool.rules.waiting_page
    if page is None or request.request_body.has_body:
        return None
    return page.instead(pool.driver, lane, request.method, request.headers, request.record.request_id)
