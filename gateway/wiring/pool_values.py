"""Translates one pool's settings into the values that its parts are given. Pure; the names of the file
end here."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Literal

from gateway.core.mounts import Mounts
from gateway.core.policy import Policy
from gateway.core.scaling.local import Autoscaling
from gateway.profiles.mounted import is_asked_below, mounted
from gateway.profiles.registry import profile
from gateway.profiles.rules import rule
from gateway.proxy.answers.waiting_page import WaitingPage
from gateway.proxy.pool.rules import OnClientGone, Rules
from gateway.proxy.session.cookie import SameSite, SessionCookies, session_ids
from gateway.settings.waiting_page import PageFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.profiles.treatment import Profile
    from gateway.settings.model import PoolSettings


def profile_of(settings: PoolSettings) -> Profile:
    rules = [
        rule(each.match, each.lane, each.when_busy, repeatable=each.repeatable, configured=True)
        for each in settings.rules
    ]
    return mounted(profile(settings.profile, rules), mounts_of(settings), rules)


def mounts_of(settings: PoolSettings) -> Mounts:
    """Where its pods serve: below `profile_root`; else below the prefix if they are sent it, save one that is a part of
    the profile's own routes (`/sdapi`) and so only chooses."""
    prefixes = tuple(path.rstrip("/") for path in settings.path_prefix)
    stripped = prefixes if settings.strip_prefix else ()
    if settings.profile_root is not None:
        return Mounts(stripped, (settings.profile_root.rstrip("/"),))
    kind = profile(settings.profile)
    roots = () if stripped else tuple("" if is_asked_below(kind, each) else each for each in prefixes)
    return Mounts(stripped, roots or ("",))


def policy_of(settings: PoolSettings, its_profile: Profile) -> Policy:
    """The core's policy."""
    affinity, quarantine, health = settings.affinity, settings.quarantine, settings.health
    return Policy(
        limit=settings.concurrency,
        balancing=settings.balancing,
        line_limit=settings.queue.limit,
        bytes_limit=settings.queue.bytes,
        client_share=settings.queue.client_share,
        longest_body=settings.max_body,
        queue_timeout=settings.queue.timeout,
        cold_timeout=settings.cold_start.timeout,
        session_ttl=affinity.ttl,
        session_capacity=affinity.sessions,
        spill_after=affinity.spill_after,
        move_after=affinity.move_after,
        move_when_busy=its_profile.move_when_busy if affinity.move_when_busy is None else affinity.move_when_busy,
        can_ask=its_profile.idle is not None,
        unknown_for=settings.timeouts.total if quarantine.max is None else quarantine.max,
        health_errors=health.errors,
        health_share=health.share,
        health_rest=health.rest,
        health_max_ejected=health.max_ejected,
        model_switch_cost=affinity.model_switch_cost if its_profile.names_models else 0.0,
    )


def rules_of(settings: PoolSettings) -> Rules:
    """The endpoint's rules."""
    timeouts = settings.timeouts
    return Rules(
        when_busy=settings.affinity.when_busy,
        max_body=settings.max_body,
        body_idle=timeouts.body_idle,
        body_total=timeouts.body_total,
        response_start=timeouts.response_start,
        idle=timeouts.idle,
        write_stall=timeouts.write_stall,
        total=timeouts.total,
        drain_timeout=settings.drain_timeout,
        quarantine_max=settings.quarantine.max,
        response_spool=settings.response_spool,
        on_client_gone=OnClientGone(settings.on_client_gone),
        longest_wait=settings.queue.timeout + settings.cold_start.timeout,
        expose_backend=settings.expose_backend,
        allowed_origins=frozenset(origin.encode() for origin in settings.allowed_origins),
        waiting_page=_waiting_page(settings.cold_start.page),
        cookie_crosses_sites=settings.affinity.same_site == "none",
        mounts=mounts_of(settings),
        session_header=_header(settings.affinity.header),
    )


def _header(name: str | None) -> bytes | None:
    return None if name is None else name.lower().encode()


def _waiting_page(setting: Literal["auto", "off"] | PageFile) -> WaitingPage | None:
    if isinstance(setting, PageFile):
        return WaitingPage(setting.template)
    return WaitingPage() if setting == "auto" else None


def cookies_of(name: str, settings: PoolSettings, keys: Sequence[str]) -> SessionCookies:
    affinity = settings.affinity
    return SessionCookies(
        keys,
        pool=name,
        name=affinity.cookie,
        ttl=int(affinity.ttl),
        new_id=partial(next, session_ids()),
        same_site=SameSite(affinity.same_site),
    )


def autoscaling_of(settings: PoolSettings) -> Autoscaling:
    """The autoscaler's values."""
    names = {each.name for each in fields(Autoscaling)}
    return Autoscaling(**settings.autoscaling.model_dump(include=names, exclude_none=True))
