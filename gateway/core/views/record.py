"""The record of one ended request, which the access log and the metrics read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.core.records.decisions import Ending
    from gateway.core.records.lanes import Lane


@dataclass(slots=True)
class RequestRecord:
    """Filled in as the request goes its way. Client strings are raw: whoever prints them escapes them."""

    request_id: str
    client: str  # address as taken from the peer or a trusted proxy
    method: str
    target: bytes  # the request target's own bytes
    host: str
    pool: str | None = None
    lane: Lane | None = None
    session: str | None = None  # a short hash, never the id
    key: str | None = None  # the name of the client's key, where clients have keys
    backend: str | None = None  # its name
    turns: int = 0
    waited: float = 0.0  # seconds in line
    granted_at: float | None = None  # driver's clock, its last turn
    service: float | None = None  # seconds from grant to the end of the backend's answer
    place: int | None = None  # position on arrival
    status: int | None = None  # what the client was sent; None: nothing
    bytes_in: int = 0  # of the request's body
    bytes_out: int = 0  # of the answer's body
    ending: Ending | None = None
    started_at: float = 0.0  # driver's clock, head received
    ended_at: float = 0.0
    receipt: str = ""  # why it was served where and when it was; nothing: it took no slot, and did not wait
    detail: str = ""  # evidence for people: what broke
