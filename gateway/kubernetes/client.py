"""A small client of Kubernetes' API on httpx: get, list, watch, patch. Tries nothing twice and remembers nothing.

Why not a library, as they were in November 2026: after 410 lightkube 1.0 starts its watch again without a list, and so
misses what was deleted meanwhile; kr8s 0.20 goes on at the very version that has expired. Neither asks for bookmarks,
and both bring models of objects that four routes do not need (and lightkube a second httpx).
"""

from __future__ import annotations

import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any, cast

import anyio
import httpx

from gateway.kubernetes.errors import Dropped, NoAnswer, Question, Refused, refusal_in
from gateway.kubernetes.watch_events import key_of, lines, parse_event

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping

    from gateway.kubernetes.access import Access
    from gateway.kubernetes.collection import Collection, KubeObject
    from gateway.kubernetes.watch_events import Event

#: Objects in one page of a list; what client-go asks for.
_PAGE = 500

#: Seconds a watch may be silent beyond the time it was asked to last.
_SLACK = 15.0

#: A watch is silent for minutes. The kernel asks after 15 s, every 5 s, and gives up after three questions without an
#: answer: so a server that is gone without a word is noticed. (Not every system names all of them.)
_KEEP_ALIVE = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}


def new_http(access: Access) -> httpx.AsyncClient:
    """The connections to one API server; close it when nobody asks any more."""
    transport = httpx.AsyncHTTPTransport(
        verify=access.tls if access.tls is not None else False,
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=4),
        socket_options=[
            (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
            *(
                (socket.IPPROTO_TCP, getattr(socket, name), n)
                for name, n in _KEEP_ALIVE.items()
                if hasattr(socket, name)
            ),
        ],
    )
    return httpx.AsyncClient(transport=transport, timeout=None, trust_env=False)


class KubernetesClient:
    """Questions to one API server. `timeout`: seconds for a whole answer, or for the first line of a watch's.

    Everything raises ApiError: Refused if the server says no, NoAnswer for all else.
    """

    def __init__(self, access: Access, http: httpx.AsyncClient, *, timeout: float = 15.0) -> None:
        self._access = access
        self._http = http
        self._timeout = timeout

    async def get(self, collection: Collection, name: str, subresource: str = "") -> KubeObject:
        """One object, or a part of it such as its `scale`."""
        return await self._ask(Question("get", collection, name, subresource), "GET")

    async def patch(
        self, collection: Collection, name: str, change: Mapping[str, Any], subresource: str = ""
    ) -> KubeObject:
        """Merge `change` into an object (RFC 7396) and get what has become of it."""
        return await self._ask(
            Question("patch", collection, name, subresource),
            "PATCH",
            content=json.dumps(change).encode(),
            headers={"Content-Type": "application/merge-patch+json"},
        )

    async def list(self, collection: Collection) -> tuple[list[KubeObject], str]:
        """All objects, and the version from which a watch goes on. As they are, not as some cache remembers them: no
        version is asked for."""
        question = Question("list", collection)
        found: list[KubeObject] = []
        page = {**collection.selectors, "limit": str(_PAGE)}
        while True:
            answer = await self._ask(question, "GET", params=page)
            with _well_formed(question):
                metadata = answer["metadata"]
                items = list(answer.get("items") or ())
                for item in items:
                    key_of(item)
                found += items
                if not metadata.get("continue"):
                    return found, str(metadata["resourceVersion"])
                page["continue"] = str(metadata["continue"])

    @contextlib.asynccontextmanager
    async def watch(self, collection: Collection, since: str, seconds: float) -> AsyncIterator[AsyncIterator[Event]]:
        """What has happened since that version, and what happens from now on, for about so many `seconds`. Entered
        when the server has agreed; then the events raise Dropped if the connection breaks."""
        question = Question("watch", collection)
        params = {
            **collection.selectors,
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": since,
            "timeoutSeconds": str(round(seconds)),
        }
        async with contextlib.AsyncExitStack() as stack:
            with _translated(question), anyio.fail_after(self._timeout):
                request = self._request(question, "GET", params=params)
                request.extensions["timeout"] = {"read": seconds + _SLACK}
                response = await self._http.send(request, stream=True)
                stack.push_async_callback(response.aclose)
                if response.status_code != 200:
                    raise _refused(question, response, await response.aread())
            yield await stack.enter_async_context(contextlib.aclosing(_events(question, response)))

    def _request(self, question: Question, method: str, **more: Any) -> httpx.Request:
        parts = [question.collection.path, question.name, question.subresource]
        headers = {"Accept": "application/json", "User-Agent": "gateway", **more.pop("headers", {})}
        if (token := self._access.token()) is not None:
            headers["Authorization"] = f"Bearer {token}"
        url = self._access.server + "/".join(filter(None, parts))
        return httpx.Request(method, url, headers=headers, **more)

    async def _ask(self, question: Question, method: str, **more: Any) -> KubeObject:
        with _translated(question), anyio.fail_after(self._timeout):
            response = await self._http.send(self._request(question, method, **more))
        if response.status_code >= 300:
            raise _refused(question, response, response.content)
        with _well_formed(question):
            answer: Any = response.json()
            if not isinstance(answer, dict):
                raise TypeError("not an object")
        return answer


async def _events(question: Question, response: httpx.Response) -> AsyncGenerator[Event]:
    pieces = cast("AsyncGenerator[bytes]", response.aiter_bytes())
    async with contextlib.aclosing(pieces), contextlib.aclosing(lines(pieces)) as source:
        while (line := await _next(question, source)) is not None:
            yield parse_event(question, line)


async def _next(question: Question, source: AsyncIterator[bytes]) -> bytes | None:
    try:
        return await anext(source, None)
    except httpx.HTTPError as error:
        raise Dropped(question, _in_words(error)) from error


def _refused(question: Question, response: httpx.Response, body: bytes) -> Refused:
    return refusal_in(question, response.status_code, body, response.headers.get("Retry-After"))


@contextlib.contextmanager
def _translated(question: Question) -> Iterator[None]:
    """What is wrong with the way to the server, or with the file that says who we are."""
    try:
        yield
    except TimeoutError as error:
        raise NoAnswer(question, "no answer in time") from error
    except (httpx.HTTPError, OSError, ValueError) as error:
        raise NoAnswer(question, _in_words(error)) from error


@contextlib.contextmanager
def _well_formed(question: Question) -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NoAnswer(question, f"malformed answer: {_in_words(error)}") from error


def _in_words(error: BaseException) -> str:
    """Some errors of the network have no words of their own."""
    return str(error) or type(error).__name__
