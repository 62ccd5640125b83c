"""A client of a gateway's operators' port: reads the snapshot, gives orders. Keeps no state."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
from pydantic import BaseModel, ValidationError

if TYPE_CHECKING:
    from types import TracebackType

#: Seconds for an answer: a gateway that takes longer is not well, and the operator should see that.
_TIMEOUT = 5.0


class PortError(Exception):
    """The port did not answer, or refused; the text says why."""


class Order(enum.Enum):
    """The orders for a backend."""

    DRAIN = "drain"  # no new requests there
    UNDRAIN = "undrain"
    RELEASE = "release"  # its quarantined slots are free


class Ticket(BaseModel):
    """One request in line."""

    number: int
    lane: str
    label: str
    age: float
    bound_to: str | None = None
    why: str = ""
    model: str | None = None


class Backend(BaseModel):
    """One pod or process."""

    name: str
    identity: str
    state: str
    limit: int
    in_flight: int
    exempt: int
    quarantined: int
    waiting: int
    sessions: int
    served: int
    idle: float | None
    model: str | None = None
    unready_because: str = ""
    unready_for: float | None = None
    fails_because: str = ""
    ejected_for: float | None = None


class Session(BaseModel):
    """One session, by a hash of its id."""

    id_hash: str
    home: str | None
    idle: float


class Line(BaseModel):
    """The line. `tickets`: the first hundred."""

    waiting: int
    waiting_exempt: int
    limit: int
    oldest: float | None
    expected_wait: float | None
    tickets: list[Ticket]


class Counts(BaseModel):
    """Counts since the gateway started."""

    model_switches: int = 0


class Pool(BaseModel):
    """The members of a pool's snapshot that are shown."""

    name: str
    cold: bool
    stopping: bool
    demand: int
    in_flight: int
    slots: int
    quarantined: int
    line: Line
    backends: list[Backend]
    sessions_live: int
    sessions: list[Session]
    service_median: float | None
    cold_start_median: float | None
    autoscaler: dict[str, Any] | None = None
    looks_at_models: bool = False
    start_failures: int = 0
    start_evidence: str = ""
    next_start_in: float | None = None
    stale: list[str] = []
    counts: Counts = Counts()


class _Snapshot(BaseModel):
    pools: list[Pool]


class OperatorsPort:
    """The port at `url`, such as `http://127.0.0.1:9090`. `token`: the bearer token of orders; None: no orders."""

    def __init__(self, url: str, token: str | None = None, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._client = httpx.AsyncClient(
            base_url=self.url, headers=headers, timeout=_TIMEOUT, transport=transport, trust_env=False
        )

    async def __aenter__(self) -> OperatorsPort:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def pools(self) -> list[Pool]:
        """Every pool as it is now. Raises PortError."""
        answer = await self._ask("GET", "/api/snapshot")
        try:
            return _Snapshot.model_validate_json(answer.content).pools
        except ValidationError as error:
            raise PortError(f"its snapshot is not understood: {error.errors()[0]['msg']}") from None

    async def order(self, order: Order, backend: str) -> None:
        """Give an order for a backend, by its identity. Raises PortError."""
        await self._ask("POST", f"/api/backends/{quote(backend, safe='')}/{order.value}")

    async def expel(self, request: str) -> None:
        """Take the waiting request with this id out of the line. Raises PortError."""
        await self._ask("DELETE", f"/api/tickets/{quote(request, safe='')}")

    async def _ask(self, method: str, path: str) -> httpx.Response:
        try:
            answer = await self._client.request(method, path)
        except httpx.HTTPError as error:
            raise PortError(f"no answer: {error or type(error).__name__}") from None
        if not answer.is_success:
            raise PortError(_why(answer))
        return answer


def _why(answer: httpx.Response) -> str:
    """The title and detail of the problem (RFC 9457), if the answer is one."""
    try:
        problem = answer.json()
        return f"{answer.status_code} {problem['title']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return f"{answer.status_code} {answer.reason_phrase}"
