"""Checks that settings which are each right are right together. Reads nothing and repeats no value:
`file.py` shows what stands at a place, and other keys are referred to by name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from gateway.core.records.lanes import Lane
from gateway.profiles.registry import profile
from gateway.profiles.rules import ANY_METHOD, follows_jobs, parse_match
from gateway.profiles.treatment import Asked
from gateway.settings.file import overlaps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gateway.settings.file import Location
    from gateway.settings.model import PoolSettings, ProcessesSettings, Settings

#: What the launcher replaces, and what looks as if it should.
_PLACEHOLDERS = frozenset(("{port}", "{host}", "{gpu}", "{python}"))
_BRACES = re.compile(r"\{[a-z_]+\}")

#: Where a pool's backends may come from.
_KINDS = ("static", "dns", "processes", "kubernetes", "knative")

_EVERYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True, slots=True)
class Finding:
    """A setting that is wrong in the light of others."""

    at: Location
    expected: str
    found: str | None = None  # None: the text that the file has there
    against: tuple[Location, ...] = ()  # the other places

    def is_within(self, wrong: Iterable[Location]) -> bool:
        """The finding is about a place that is wrong itself, so that it may not be true."""
        others = list(wrong)
        return any(overlaps(place, others) for place in (self.at, *self.against))


def check(settings: Settings) -> Iterator[Finding]:
    """Every pair of settings that does not fit."""
    yield from _ports(settings)
    if not settings.pools:
        yield Finding(("pools",), "at least one pool")
    for name, pool in settings.pools.items():
        at: Location = ("pools", name)
        yield from _backends(at, pool)
        yield from _scale(at, pool)
        yield from _pool(at, pool)
        if pool.backends.processes is not None:
            yield from _processes((*at, "backends", "processes"), pool.backends.processes)
    for (first, one), (second, other) in combinations(settings.pools.items(), 2):
        yield from _pair(("pools", first), one, ("pools", second), other)


def _ports(settings: Settings) -> Iterator[Finding]:
    listen, ops = settings.listen, settings.ops
    hosts = {*listen.host, *ops.host}
    same_host = not hosts.isdisjoint(_EVERYWHERE) or not set(listen.host).isdisjoint(ops.host)
    if listen.port and listen.port == ops.port and same_host:
        yield Finding(("ops", "port"), "another port than listen.port", against=(("listen", "port"),))
    if settings.listen.proxy_protocol and not settings.trusted_proxies:
        expected = "trusted_proxies: the PROXY headers of nobody else count"
        yield Finding(("listen", "proxy_protocol"), expected, against=(("trusted_proxies",),))


def _backends(at: Location, pool: PoolSettings) -> Iterator[Finding]:
    at = (*at, "backends")
    kinds = [kind for kind in _KINDS if getattr(pool.backends, kind) is not None]
    if len(kinds) != 1:
        yield Finding(at, f"exactly one of {', '.join(_KINDS)}", " and ".join(kinds) or "none")
    if pool.backends.static == ():
        yield Finding((*at, "static"), "at least one address")
    seen: dict[str, int] = {}
    for index, address in enumerate(pool.backends.static or ()):
        if seen.setdefault(address, index) != index:
            yield Finding((*at, "static", index), "each backend once: a second entry would be given work of its own")


def _processes(at: Location, processes: ProcessesSettings) -> Iterator[Finding]:
    words, gpus = (*processes.command, *processes.env.values()), processes.gpus
    if not any("{port}" in word for word in words):
        yield Finding((*at, "command"), "{port} in it, or in env: each process is given a port of its own")
    in_braces = {found for word in words for found in _BRACES.findall(word)}
    for unknown in sorted(in_braces - _PLACEHOLDERS):
        yield Finding((*at, "command"), f"of words in braces only {', '.join(sorted(_PLACEHOLDERS))}", unknown)
    if gpus is None and any("{gpu}" in word for word in words):
        yield Finding((*at, "gpus"), "at least one GPU: {gpu} is used", "none")
    if gpus is not None and not gpus:
        yield Finding((*at, "gpus"), "at least one GPU")
    if gpus and len(set(gpus)) < len(gpus):
        yield Finding((*at, "gpus"), "each GPU once: one process each")
    if gpus and processes.max is not None and processes.max > len(gpus):
        yield Finding((*at, "max"), "at most as many as gpus: one process each", against=((*at, "gpus"),))


def _scale(at: Location, pool: PoolSettings) -> Iterator[Finding]:
    scaling, bounds = pool.autoscaling, _bounds(pool)
    here = (*at, "autoscaling")
    for bound, value in bounds.items():
        name = ".".join(map(str, bound))
        if scaling.min_scale > value:
            yield Finding((*here, "min_scale"), f"at most {name}", against=((*at, *bound),))
        if scaling.activation_scale is not None and scaling.activation_scale > value:
            yield Finding((*here, "activation_scale"), f"at most {name}", against=((*at, *bound),))
    if scaling.activation_scale is not None and scaling.activation_scale < scaling.min_scale:
        yield Finding((*here, "activation_scale"), "at least min_scale", against=((*here, "min_scale"),))
    if pool.backends.processes is None:
        return
    if not bounds:
        yield Finding((*here, "max_scale"), "a bound, here or as processes.max or processes.gpus")
    if scaling.metric != "concurrency":
        yield Finding((*here, "metric"), "concurrency: in this version processes are scaled by nothing else")


def _bounds(pool: PoolSettings) -> dict[tuple[str, ...], int]:
    """The most backends that there may be, by the place that says so."""
    bounds: dict[tuple[str, ...], int] = {}
    if pool.autoscaling.max_scale:
        bounds["autoscaling", "max_scale"] = pool.autoscaling.max_scale
    if pool.backends.processes is not None:
        if pool.backends.processes.max is not None:
            bounds["backends", "processes", "max"] = pool.backends.processes.max
        if pool.backends.processes.gpus:
            bounds["backends", "processes", "gpus"] = len(pool.backends.processes.gpus)
    return bounds


def _pool(at: Location, pool: PoolSettings) -> Iterator[Finding]:
    if pool.max_body > pool.queue.bytes:
        against = ((*at, "queue", "bytes"),)
        yield Finding((*at, "max_body"), "at most queue.bytes, which is what bodies are held in", against=against)
    its_profile, cost = profile(pool.profile), pool.affinity.model_switch_cost
    default = type(pool.affinity).model_fields["model_switch_cost"].default
    if cost not in (0, default) and not its_profile.names_models:
        expected = f"0: profile {pool.profile} knows no models"
        yield Finding((*at, "affinity", "model_switch_cost"), expected, against=((*at, "profile"),))
    if pool.on_client_gone == "interrupt" and its_profile.interrupt is None:
        expected = f"finish or close: profile {pool.profile} knows no interrupt"
        yield Finding((*at, "on_client_gone"), expected, against=((*at, "profile"),))
    if pool.strip_prefix and not pool.path_prefix:
        yield Finding((*at, "strip_prefix"), "a path_prefix that is taken off", against=((*at, "path_prefix"),))
    yield from _rules(at, pool)
    if pool.readiness.tcp and pool.readiness.http is not None:
        yield Finding((*at, "readiness"), "one of tcp and http", "both")


def _rules(at: Location, pool: PoolSettings) -> Iterator[Finding]:
    """A rule that would lose sight of jobs: two of them would be let into one backend, or a stranger's
    stopped."""
    treat = profile(pool.profile).treat
    for index, each in enumerate(pool.rules):
        methods, pattern = parse_match(each.match)
        path = pattern.replace("*", "x").encode()
        for method in ("GET", "POST") if ANY_METHOD in methods else sorted(methods):
            known = treat(method, path)
            differs = each.lane not in (known.lane, Lane.DENIED)
            if differs and follows_jobs(known, Asked(method, path)):
                expected = (
                    f"{known.lane.value} or denied: profile {pool.profile} follows jobs or files by {method} {pattern}"
                )
                yield Finding((*at, "rules", index, "lane"), expected, against=((*at, "profile"),))
                break


def _pair(at_one: Location, one: PoolSettings, at_other: Location, other: PoolSettings) -> Iterator[Finding]:
    """What two pools must not have in common. It is told of the later one."""
    name = ".".join(map(str, at_one))
    hosts, paths = "hosts", "path_prefix"
    against = tuple((*at, key) for at in (at_one, at_other) for key in (hosts, paths))
    if _claims(one) & _claims(other):
        expected = f"a host and path_prefix that {name} does not claim, too"
        yield Finding((*at_other, hosts), expected, against=against)
    if _share_a_host(one, other) and one.affinity.cookie == other.affinity.cookie:
        expected = f"another cookie than that of {name}, which shares a host with it"
        against = (*against, (*at_one, "affinity", "cookie"))
        yield Finding((*at_other, "affinity", "cookie"), expected, against=against)
    if one.concurrency or other.concurrency:
        for index, address in enumerate(other.backends.static or ()):
            if address in (one.backends.static or ()):
                expected = f"a backend that {name} does not have: each pool would give it work of its own"
                yield Finding((*at_other, "backends", "static", index), expected)


def _claims(pool: PoolSettings) -> set[tuple[str, str]]:
    paths = {path.rstrip("/") for path in pool.path_prefix or ("",)}
    return {(host, path) for host in pool.hosts or ("",) for path in paths}


def _share_a_host(one: PoolSettings, other: PoolSettings) -> bool:
    """Whether a browser could get answers of both from one host. A pool of every host gets of another's
    host only what that one's paths leave over."""
    if one.hosts and other.hosts:
        return bool(set(one.hosts) & set(other.hosts))
    return not (one.hosts or other.hosts) or bool((one if one.hosts else other).path_prefix)
