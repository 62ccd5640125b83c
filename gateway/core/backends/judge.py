"""Judges backends by how their turns end, and ejects those that fail: for a while they get no requests.

A backend that answers 500 in 20 ms is free again soonest, so it would be chosen soonest and eat the line. It is found
to fail when

    errors in a row failed                  for more than one client, with no success between
    half as many, rounded up, did           while the last turn of every other ready backend went well: then the
                                            requests are not to blame
    more than `share` percent of its last 20 failed, of 10 at least     the one that fails by turns
    the first turn after an ejection failed

and is ejected for `rest` seconds, twice as long each time until a success, `LONGEST_REST` at most; as Envoy's outlier
detection and HAProxy's `observe layer7` do. Never ejected are more than `max_ejected` percent of the ready backends,
nor the last one; whose slots have been quarantined for long is none of these. Then it is *spared*, and the best of the
bad serves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.backends.quality import Quality, failure_of, quality_of
from gateway.core.records.conduct import Conduct
from gateway.core.records.decisions import Judged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.core.backends.availability import Availability
    from gateway.core.records.backends_and_tickets import Backend, Ticket
    from gateway.core.records.counts import Counts
    from gateway.core.records.decisions import Ending

#: Seconds that an ejection lasts at most.
LONGEST_REST = 300.0
#: Turns of which a share is taken, at least.
ENOUGH_TURNS = 10
#: Judgements in a row after which a backend that can be replaced had better be.
HOPELESS_AFTER = 3


class Judge:
    """One pool's. Its judgements are announced."""

    def __init__(self, availability: Availability, counts: Counts) -> None:
        self._availability = availability
        self._counts = counts

    def turn_ended(self, ticket: Ticket, backend: Backend, ending: Ending, now: float) -> Quality:
        """A counted turn is over, and its slot is about to be given back. Whoever ejects by this leaves it to the
        caller to bring the backend's orders up to date."""
        quality = quality_of(ticket, ending)
        conduct = backend.conduct
        if quality is Quality.WELL and now >= conduct.ejected_until:
            conduct.went_well()
        elif quality is Quality.FAILED:
            # Whoever brings its cookie back is known again; of the others each may be somebody else.
            conduct.failed(ticket.session if ticket.returning and ticket.session is not None else ticket.number)
            if now >= conduct.ejected_until and (why := self._why(backend)):
                self._condemn(backend, f"{why}, the last one: {failure_of(ticket, ending)}", now)
        return quality

    def keep_enough(self, now: float) -> Iterator[Backend]:
        """Gives those that came back because fewer backends are ready than when they were ejected: the best first."""
        ejected = self._availability.ejected
        while ejected:
            out = self._out(now)
            ready = len(self._availability.ready)
            if not out or (self._is_served_by_others() and len(out) <= self._most(ready + len(out))):
                return
            best = min(out, key=lambda backend: (backend.conduct.judged, backend.conduct.ejected_until))
            ejected.discard(best)
            self._back(best, now)
            yield best

    def expire(self, now: float) -> Iterator[Backend]:
        """Gives those whose rest is over. Each is on trial."""
        for backend in self._availability.ejected.pop_until(now):
            self._back(backend, now)
            yield backend

    def pardon(self, backend: Backend, now: float) -> None:
        """An operator says that it is well, or it has started anew. The caller brings its orders up to date."""
        if backend in self._availability.ejected:
            self._availability.ejected.discard(backend)
            backend.ready_at = now
        backend.conduct = Conduct()

    def refit(self, now: float) -> None:
        """The policy is another one. The caller brings all orders up to date."""
        if not self._availability.policy.health_errors:
            for backend in self._availability.backends.values():
                self.pardon(backend, now)

    def hopeless(self) -> dict[str, str]:
        """Identities of backends that were found to fail `HOPELESS_AFTER` times in a row, ejected or spared, and rest,
        with the reason of the last time. One with a quarantined slot may be at work."""
        return {
            backend.identity: backend.conduct.because
            for backend in self._availability.backends.values()
            if backend.conduct.judged >= HOPELESS_AFTER and backend.rests
        }

    # Judging

    def _why(self, backend: Backend) -> str:
        policy, conduct = self._availability.policy, backend.conduct
        if not policy.health_errors:
            return ""
        if conduct.on_trial:
            return "it failed again when it had come back"
        if not conduct.several_senders:
            return ""
        in_a_row = f"{conduct.failures} turns in a row failed"
        if conduct.failures >= policy.health_errors:
            return in_a_row
        if conduct.failures * 2 >= policy.health_errors and self._others_are_well(backend):
            return f"{in_a_row} while all others went well"
        failed, turns = sum(conduct.last), len(conduct.last)
        if turns >= ENOUGH_TURNS and failed * 100 > policy.health_share * turns:
            return f"{failed} of its last {turns} turns failed"
        return ""

    def _others_are_well(self, backend: Backend) -> bool:
        """There are others, and none of them failed last. O(ready backends), for a few failures of each alone."""
        others = [other.conduct for other in self._availability.ready.members() if other is not backend]
        return bool(others) and not any(other.last and other.last[-1] for other in others)

    def _condemn(self, backend: Backend, why: str, now: float) -> None:
        policy, conduct = self._availability.policy, backend.conduct
        conduct.failures, conduct.on_trial, conduct.because = 0, False, why
        conduct.judged += 1
        ready, out = len(self._availability.ready), len(self._out(now))
        if not self._is_served_by_others(backend) or out >= self._most(ready + out):
            self._counts.ejections_spared += 1
            self._availability.announced.append(Judged(backend, why, 0.0))
            return
        longest = max(LONGEST_REST, policy.health_rest)
        seconds = min(longest, policy.health_rest * 2.0 ** min(conduct.judged - 1, 10))
        conduct.ejected_until = now + seconds
        self._availability.ejected.put(backend, conduct.ejected_until)
        self._counts.ejections += 1
        self._availability.announced.append(Judged(backend, why, seconds))

    def _back(self, backend: Backend, now: float) -> None:
        backend.conduct.ejected_until = 0.0
        backend.conduct.on_trial = True
        backend.ready_at = now

    def _out(self, now: float) -> list[Backend]:
        """The ejected ones that would be ready."""
        return [each for each in self._availability.ejected.members() if each.would_serve(now)]

    def _is_served_by_others(self, than: Backend | None = None) -> bool:
        """A ready backend serves, or will as soon as its work is over: one whose slots have been quarantined for long
        may not."""
        ready = self._availability.ready.members()
        return any(each is not than and not each.given_up for each in ready)

    def _most(self, ready: int) -> int:
        """How many of so many may be ejected."""
        return int(ready * self._availability.policy.health_max_ejected / 100)
