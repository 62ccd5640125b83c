"""The functions of a backend's page that are not as its profile takes calls to be, as the backend's configuration names
them. Read when somebody
clicks, and again when what is known is old, for a page may be made anew while its server runs. Decides
nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio
import structlog

from gateway.profiles.treatment import PageFunctions

if TYPE_CHECKING:
    from collections.abc import Collection

    from gateway.dialogues.dialogue import Pod
    from gateway.profiles.treatment import FunctionsProbe

#: Seconds for which an answer counts, and for which a backend that gave none is not asked again.
FRESH = 60.0
RETRY = 5.0

#: Bytes of a page's configuration: the web UI's has a million or two.
LONGEST = 32 << 20


@dataclass(slots=True)
class _Known:
    functions: PageFunctions | None = None  # None: it never said
    digest: bytes = b""  # of the configuration they were read from: reading one takes some 10 ms
    ask_at: float = 0.0
    asking: anyio.Lock = field(default_factory=anyio.Lock)


class UiFunctions:
    """One pool's."""

    def __init__(self) -> None:
        self.last: PageFunctions | None = None  # that any backend named
        self._known: dict[str, _Known] = {}

    async def of(self, identity: str, pod: Pod, probe: FunctionsProbe, others: Collection[str]) -> PageFunctions:
        """Of the backend `identity`, which is `pod`; those that it said before, if it says nothing now; none, if it
        never did. `others`: identities of all backends that there are."""
        known = self._known.get(identity)
        if known is None:
            self._forget(others)
            known = self._known[identity] = _Known()
        async with known.asking:
            if anyio.current_time() >= known.ask_at:
                await self._ask(known, pod, probe, identity)
        return known.functions or PageFunctions()

    async def _ask(self, known: _Known, pod: Pod, probe: FunctionsProbe, identity: str) -> None:
        reply = await pod.get(probe.path, LONGEST)
        now = anyio.current_time()
        body = reply.body if reply is not None and reply.whole else b""
        digest = hashlib.blake2b(body).digest()
        if digest == known.digest:
            known.ask_at = now + FRESH
            return
        functions = probe.reads(reply.status, body) if reply is not None else None
        known.ask_at = now + (RETRY if functions is None else FRESH)
        if functions is not None:
            known.functions, known.digest, self.last = functions, digest, functions
        elif known.functions is None:
            structlog.get_logger().warning(
                "page_functions_unknown",
                backend=identity,
                path=probe.path,
                means=probe.if_silent,
                do="see what the pod answers there; another kind of page needs another profile",
            )

    def _forget(self, others: Collection[str]) -> None:
        """Those that are gone, now and then."""
        if len(self._known) > 2 * len(others) + 10:
            self._known = {identity: known for identity, known in self._known.items() if identity in others}
