"""Several pools behind one name, of which each request gets one: the revisions of a Knative Service.

`core/sessions/traffic.py` decides whose traffic goes where; this module reads what a request says of it: a tag, in its
host or, if a trusted peer sends it, in a header; a session, in its cookie. Owns none of the pools.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from gateway.core.routing import bare_host
from gateway.core.sessions.traffic import Split

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gateway.proxy.headers.forwarded import Header, Origin
    from gateway.proxy.pool.served_pool import ServedPool
    from gateway.proxy.session.cookie import Claim

#: What Knative's ingress asks for a tag by, where it is told to (`tag-header-based-routing`).
_TAG = b"knative-serving-tag"


class Chosen(NamedTuple):
    """Who serves. `session`: the id of a newcomer's session, by which it was chosen; None: the cookie has one, or there
    was nothing to choose."""

    pool: ServedPool
    session: str | None = None


@dataclass(slots=True)
class Revisions:
    """A Service's traffic. All of it is replaced at once."""

    pools: Mapping[str, ServedPool]  # by revision: those that can be served
    shares: Mapping[str, float]  # revision -> percent
    tags: Mapping[str, str] = field(default_factory=dict)  # tag -> revision
    hosts: Mapping[str, str] = field(default_factory=dict)  # host -> revision whose tag it is


class TrafficSplit:
    """Stands among the endpoint's pools in place of one. While no revision is known, requests wait in `anteroom`, a
    pool that never has a backend, and which lets everybody out when there is one."""

    def __init__(self, anteroom: ServedPool) -> None:
        self.anteroom = anteroom
        self.replace(Revisions({}, {}))

    def replace(self, revisions: Revisions) -> None:
        """From the next request on."""
        pools = revisions.pools
        self._revisions = revisions
        self._split = Split({name: share for name, share in revisions.shares.items() if name in pools})
        self.is_open = self._split.choose("") is not None
        self._only = next(iter(pools.values())) if len(pools) == 1 and self.is_open else None

    def choose(self, origin: Origin, headers: Iterable[Header]) -> Chosen | None:
        """The pool for a request. None: nobody takes it yet. Names of headers must be lower-case."""
        if self._only is not None:
            return Chosen(self._only)
        if not self._revisions.pools:
            return None
        claim = self._claim(headers)
        session = claim.session if claim is not None else self._any.cookies.new_session()
        known = self._known(claim) if claim is not None else None
        name = self._split.revision_for(session, tagged=self._tagged(origin, headers), known=known)
        return None if name is None else Chosen(self._revisions.pools[name], session if claim is None else None)

    @property
    def _any(self) -> ServedPool:
        """All have the same cookies."""
        return next(iter(self._revisions.pools.values()))

    def _tagged(self, origin: Origin, headers: Iterable[Header]) -> str | None:
        told = self._revisions
        if told.hosts and (revision := told.hosts.get(bare_host(origin.host.decode("latin-1")))):
            return revision
        if not (told.tags and origin.trusted):
            return None
        tag = next((value for name, value in headers if name == _TAG), b"")
        return told.tags.get(tag.decode("latin-1"))

    def _claim(self, headers: Iterable[Header]) -> Claim | None:
        pools = self._revisions.pools.values()
        return self._any.cookies.read(
            headers, time.time(), lambda session: any(each.driver.pool.sessions.get(session) for each in pools)
        ).claim

    def _known(self, claim: Claim) -> str | None:
        """The revision that saw the session last; else the one that has the home that the cookie names."""
        pools = self._revisions.pools
        seen = {
            name: session.seen
            for name, pool in pools.items()
            if (session := pool.driver.pool.sessions.get(claim.session))
        }
        if seen:
            return max(seen, key=lambda name: seen[name])
        homes = (name for name, pool in pools.items() if pool.cookies.home_of(claim, pool.driver.pool.backends.keys()))
        return next(homes, None)
