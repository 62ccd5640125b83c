"""The access line: one for each ended request. Owns its fields and the escaping of client strings; `line_writer.py`
writes the lines. Cookies, secrets and bodies never come here.

It is on the path of every request: a JSON line is one format string, and only strings that need it are encoded. That
costs a sixth of building and encoding a dictionary.
"""

from __future__ import annotations

import json
import time
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.core.views.record import RequestRecord

# Characters of a client's strings in a line, before they are escaped.
_TARGET, _HOST, _DETAIL, _WORD = 512, 255, 512, 128

#: The limits of request id, client, method, host, target and detail.
_LIMITS = (_WORD, _WORD, _WORD, _HOST, _TARGET, _DETAIL)


class AccessLog:
    """Renders records to lines. `write` takes a line without its end and must neither block nor raise."""

    def __init__(self, write: Callable[[str], None], *, console: bool = False) -> None:
        """`console`: for people; else a JSON object a line."""
        self._write = write
        self._render = _for_people() if console else _for_machines

    def observe(self, record: RequestRecord) -> None:
        """Write one ended request's line."""
        self._write(self._render(record))


def _for_machines(record: RequestRecord) -> str:
    """A JSON object, as events are. Every key is always there. Times are seconds."""
    target = record.target.decode("latin-1")
    strings = (record.request_id, record.client, record.method, record.host, target, record.detail)
    together = "".join(strings)
    if len(together) <= _WORD and _is_plain(together) and '"' not in together:
        request_id, client, method, host, target, detail = strings
    else:
        request_id, client, method, host, target, detail = map(_inside_quotes, strings, _LIMITS)
    ending, service = record.ending, record.service
    took = "null" if service is None else f"{service:.6f}"
    status = "null" if record.status is None else record.status
    place = "null" if record.place is None else record.place
    session = "null" if record.session is None else f'"{record.session}"'
    # `_value_`: the same as `value`, which is a function call in Python 3.11.
    return (
        f'{{"event":"request","request_id":"{request_id}","client":"{client}","method":"{method}","host":"{host}",'
        f'"target":"{target}","status":{status},"code":{_word(ending and ending._value_)},'
        f'"outcome":{_word(ending and ending.outcome._value_)},"pool":{_word(record.pool)},'
        f'"lane":{_word(record.lane and record.lane._value_)},"backend":{_word(record.backend)},'
        f'"session":{session},"key":{_word(record.key)},"place":{place},"receipt":{_receipt(record.receipt)},'
        f'"turns":{record.turns},"wait":{record.waited:.6f},'
        f'"service":{took},"total":{record.ended_at - record.started_at:.6f},"bytes_in":{record.bytes_in},'
        f'"bytes_out":{record.bytes_out},"detail":"{detail}","timestamp":"{_utc_now()}"}}'
    )


def _harmless(text: str, limit: int) -> str:
    """Printable ASCII: anything else, and the backslash, is escaped. `...` at the end marks a text that was cut."""
    if len(text) <= limit and _is_plain(text):
        return text  # nearly always
    shown = text[:limit].encode("unicode_escape").decode("ascii")
    return shown if len(text) <= limit else shown + "..."


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and "\\" not in text


@lru_cache(1024)
def _word(word: str | None) -> str:
    """A word of the gateway's own: a few are on nearly all lines."""
    return "null" if word is None else json.dumps(word)


@lru_cache(1024)
def _receipt(receipt: str) -> str:
    """A receipt, escaped. Those of requests that did not wait are few."""
    return json.dumps(_harmless(receipt, _DETAIL)) if receipt else "null"


def _inside_quotes(text: str, limit: int) -> str:
    return json.dumps(_harmless(text, limit))[1:-1]


def _for_people() -> Callable[[RequestRecord], str]:
    render = structlog.dev.ConsoleRenderer(colors=False, sort_keys=False, pad_event_to=0)

    def without_blanks(record: RequestRecord) -> str:
        shown = {key: value for key, value in json.loads(_for_machines(record)).items() if value not in (None, "")}
        return render(None, "", {**shown, "timestamp": time.strftime("%H:%M:%S")})

    return without_blanks


def _utc_now() -> str:
    now = time.time()
    return f"{_utc_second(int(now))}.{int(now % 1 * 1_000_000):06d}Z"


@lru_cache(2)
def _utc_second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
