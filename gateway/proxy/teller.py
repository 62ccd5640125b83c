"""The protocols of an answer to a client, for those who have something to say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.core.records.decisions import Ending
    from gateway.dialogues.websocket import WebSocketEnd
    from gateway.profiles.treatment import LocalAnswer
    from gateway.proxy.answers.problems import Answer
    from gateway.proxy.errors import EdgeError
    from gateway.proxy.exchange import Exchange
    from gateway.proxy.websocket.tunnel import Tunnel
    from gateway.upstream.head import AnswerHead


class RelayTeller(Protocol):
    """The part of an answer that a relay tells."""

    def hint(self, head: AnswerHead) -> None:
        """A 103 before the answer's head."""

    def begin(self, head: AnswerHead, *, body_follows: bool) -> None:
        """The answer's head. `body_follows`: the first of its body is sent next, without waiting."""

    def upgrade(self, head: AnswerHead, exchange: Exchange) -> Tunnel:
        """The answer's head is 101: make a tunnel. Raises UpstreamError if it cannot be, and nothing was sent."""

    def pass_on(self, piece: bytes) -> None:
        """A piece of the answer's body; more follows."""

    async def end(self, piece: bytes) -> None:
        """The last of it. Waits until the client has taken enough of it."""

    async def refuse(self, ending: Ending) -> None:
        """A whole answer of our own, in place of the backend's."""


class Teller(RelayTeller, Protocol):
    """All of it; `client_answer.ClientAnswer` is one."""

    begun: bool  # a byte of an answer was handed out

    def accept(self, end: WebSocketEnd) -> None:
        """101 in the gateway's own name: from here on `end` speaks with the client."""

    async def explain(self, error: EdgeError) -> None:
        """An answer of the gateway's own to a request that was not started."""

    async def say(self, answer: LocalAnswer) -> None:
        """An answer in a backend's words that no backend has given."""

    async def tell(self, answer: Answer) -> None:
        """An answer of the gateway's own, whole."""
