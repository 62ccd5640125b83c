"""Chooses the revision that serves a request, where several share the traffic of one service.

Percentages are for those who are new: a tag goes to its revision, whoever asks for it, and a session stays where it is
known. A revision of 0 % is kept for these two.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Bits of a hash that become a fraction.
_BITS = 64


class Split:
    """The revisions of one service, each with its share."""

    def __init__(self, shares: Mapping[str, float]) -> None:
        """`shares`: revision -> percent, or any other weight, from 0 up."""
        self._shares = dict(shares)
        self._open = [(revision, share) for revision, share in self._shares.items() if share > 0]

    def revision_for(self, key: str, *, tagged: str | None = None, known: str | None = None) -> str | None:
        """The revision of the tag that was asked for; else the one where the session is known; else its share's.

        `key`: as for `choose`. A revision that has no traffic any more counts as none. None: nobody takes it.
        """
        for revision in (tagged, known):
            if revision is not None and revision in self._shares:
                return revision
        return self.choose(key)

    def choose(self, key: str) -> str | None:
        """The revision for a newcomer. `key`: the session's id, or anything random for a request that has none.

        The same key gets the same revision in every process, in whatever order the revisions are listed. When shares
        change, keys move only from revisions that lost to revisions that gained: each revision draws a lot from the
        hash of key and revision, exponentially distributed with its share as the rate, and the smallest lot wins
        (weighted rendezvous hashing). None: no revision has a share.
        """
        if len(self._open) > 1:
            return min((_lot(key, revision) / share, revision) for revision, share in self._open)[1]
        return self._open[0][0] if self._open else None


def _lot(key: str, revision: str) -> float:
    """Exponentially distributed with rate 1."""
    digest = hashlib.blake2b(f"{revision}\0{key}".encode(), digest_size=_BITS // 8).digest()
    return -math.log((int.from_bytes(digest) + 0.5) / (1 << _BITS))
