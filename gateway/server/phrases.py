"""The reason phrases of RFC 9110. Python 3.11 still has those of RFC 2616 and RFC 4918 for a few statuses."""

from __future__ import annotations

from http import HTTPStatus

_RENAMED = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}

_PHRASES = {status.value: status.phrase for status in HTTPStatus} | _RENAMED


def phrase(status: int) -> str:
    """The phrase of a status; "" for one without a name."""
    return _PHRASES.get(status, "")
