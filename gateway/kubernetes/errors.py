"""Errors of questions to the API server. Each says what was asked: verb, resource, namespace."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.kubernetes.collection import Collection

#: As much of a server's explanation as is passed on.
_EXPLANATION = 300


@dataclass(frozen=True, slots=True)
class Question:
    """A question to the API server, for messages."""

    verb: str  # as roles name it: get, list, watch, patch
    collection: Collection
    name: str = ""
    subresource: str = ""

    @property
    def right(self) -> str:
        """The right that a role must grant, such as "patch deployments.apps/scale"."""
        part = f"/{self.subresource}" if self.subresource else ""
        return f"{self.verb} {self.collection.resource}{part}"

    def __str__(self) -> str:
        which = f" {self.name}" if self.name else ""
        return f"{self.right}{which} in namespace {self.collection.namespace}"


class ApiError(Exception):
    """No good answer to `question`."""

    def __init__(self, question: Question, why: str) -> None:
        super().__init__(f"cannot {question}: {why}")
        self.question = question
        self.retry_after = 0.0  # seconds the server asked for


class NoAnswer(ApiError):
    """The server is away, too slow, or does not speak Kubernetes."""


class Dropped(NoAnswer):
    """A watch broke off. What it brought before is whole."""


class Refused(ApiError):
    """The server said no; `status` is that of HTTP."""

    def __init__(self, question: Question, status: int, why: str, retry_after: float = 0.0) -> None:
        super().__init__(question, f"{status} {why}".rstrip())
        self.status = status
        self.retry_after = retry_after


class Forbidden(Refused):
    """The role lacks `question.right`."""


class NotFound(Refused):
    """No such object, or the server knows no such kind."""


class Conflict(Refused):
    """The object has changed meanwhile, or is another one of the same name."""


class Gone(Refused):
    """The history from the version asked for is forgotten: only a new list tells what is."""


_KINDS: dict[int, type[Refused]] = {403: Forbidden, 404: NotFound, 409: Conflict, 410: Gone}


def refusal(question: Question, status: int, why: str, retry_after: float = 0.0) -> Refused:
    """The error for this HTTP status."""
    return _KINDS.get(status, Refused)(question, status, why[:_EXPLANATION], retry_after)


def refusal_in(question: Question, status: int, body: bytes, retry_after: str | None) -> Refused:
    """The error in an answer with this HTTP status. The body is a `Status` object, or whatever a proxy says."""
    try:
        said: Any = json.loads(body)
    except ValueError:
        said = None
    why = said.get("message") if isinstance(said, dict) else body[:_EXPLANATION].decode(errors="replace")
    seconds = float(retry_after) if retry_after is not None and retry_after.isdecimal() else 0.0
    return refusal(question, status, str(why or ""), seconds)
