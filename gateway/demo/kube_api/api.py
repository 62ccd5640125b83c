"""A stand-in for Kubernetes' API server: list, watch, get, put, patch and delete of any kind of object, and `scale`.

It checks nothing that is put into it and runs no controllers: a Deployment that is scaled gets no pods unless somebody
puts them there. It says that it is a stand-in, in `X-Stand-In` on every answer.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from gateway.demo.kube_api.faults import Faults
from gateway.demo.kube_api.selectors import Selector
from gateway.demo.kube_api.store import Clash, Kind, Missing, Store
from gateway.demo.kube_api.watching import WatchStream, gone, status

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp

    from gateway.demo.kube_api.store import Object

_REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 429: "TooManyRequests"}

_VERBS = {"GET": "get", "PATCH": "patch", "PUT": "update", "DELETE": "delete"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, as roles see it."""

    verb: str
    plural: str  # "deployments", or a part: "deployments/scale"
    name: str
    query: dict[str, str]
    token: str | None


class KubeApi:
    """The application, what it holds and what it was asked, in order. `bookmark_every`: seconds of silence."""

    def __init__(self, *, bookmark_every: float = 60.0) -> None:
        self.store = Store()
        self.faults = Faults()
        self.asked: list[Asked] = []
        self._bookmark_every = bookmark_every

    def application(self) -> Starlette:
        """To be served."""
        routes = []
        for api in ("/api/{version}", "/apis/{group}/{version}"):
            for scope in ("/namespaces/{namespace}", ""):
                path = f"{api}{scope}/{{plural}}"
                routes.append(Route(path, self._many))
                routes.append(Route(f"{path}/{{name}}", self._one, methods=list(_VERBS)))
                routes.append(Route(f"{path}/{{name}}/{{part}}", self._part, methods=["GET", "PATCH"]))
        return Starlette(routes=routes)

    def count(self, verb: str, plural: str) -> int:
        """How many times it was asked that."""
        return sum((each.verb, each.plural) == (verb, plural) for each in self.asked)

    async def _many(self, request: Request) -> ASGIApp:
        query = dict(request.query_params)
        is_watch = query.get("watch") in ("1", "true")
        if refusal := await self._refusal("watch" if is_watch else "list", request):
            return refusal
        try:
            selector = Selector(query)
        except ValueError as error:
            return _no(400, str(error))
        return self._watch(request, query, selector) if is_watch else self._list(request, query, selector)

    def _list(self, request: Request, query: dict[str, str], selector: Selector) -> ASGIApp:
        """Pages are of the list as it is when each is asked for; one begun before history was forgotten is gone."""
        found = [each for each in self.store.all(_kind(request), _namespace(request)) if each in selector]
        version, start = self.store.version, 0
        if token := query.get("continue"):
            version, start = json.loads(base64.b64decode(token))
            if version < self.store.oldest:
                return _answer(gone(version, self.store.oldest), 410)
        end = start + min(int(query.get("limit") or len(found) + 1), self.faults.page or len(found) + 1)
        metadata: dict[str, Any] = {"resourceVersion": str(version)}
        if end < len(found):
            metadata["continue"] = base64.b64encode(json.dumps([version, end]).encode()).decode()
        return _answer({"kind": "List", "apiVersion": "v1", "metadata": metadata, "items": found[start:end]})

    def _watch(self, request: Request, query: dict[str, str], selector: Selector) -> ASGIApp:
        since = int(query.get("resourceVersion") or self.store.version)
        if since < self.store.oldest and not self.faults.gone_in_stream:
            return _answer(gone(since, self.store.oldest), 410)
        return WatchStream(
            self.store,
            self.faults,
            _kind(request),
            _namespace(request),
            selector,
            since=since,
            seconds=float(query.get("timeoutSeconds", 1800)),
            bookmark_every=self._bookmark_every if query.get("allowWatchBookmarks") in ("1", "true") else None,
        )

    async def _one(self, request: Request) -> ASGIApp:
        if refusal := await self._refusal(_VERBS[request.method], request):
            return refusal
        kind, namespace, name = _kind(request), _namespace(request) or "", request.path_params["name"]
        try:
            if request.method == "DELETE":
                self.store.delete(kind, name, namespace=namespace)
                return _answer({"kind": "Status", "apiVersion": "v1", "status": "Success"})
            if request.method == "PUT":
                return _answer(self.store.put(kind.plural, await request.json(), namespace=namespace))
            if request.method == "PATCH":
                return _answer(self.store.patch(kind, name, await request.json(), namespace=namespace))
            return _answer(self.store.get(kind, name, namespace=namespace))
        except Missing as error:
            return _no(404, str(error))
        except Clash as error:
            return _no(409, str(error))

    async def _part(self, request: Request) -> ASGIApp:
        """`scale`: a view on the replicas in `spec` and `status`."""
        if refusal := await self._refusal(_VERBS[request.method], request):
            return refusal
        if request.path_params["part"] != "scale":
            return _no(404, "the only part known here is scale")
        kind, namespace, name = _kind(request), _namespace(request) or "", request.path_params["name"]
        try:
            if request.method == "PATCH":
                replicas = (await request.json())["spec"]["replicas"]
                self.store.patch(kind, name, {"spec": {"replicas": replicas}}, namespace=namespace)
            return _answer(_scale(self.store.get(kind, name, namespace=namespace)))
        except Missing as error:
            return _no(404, str(error))

    async def _refusal(self, verb: str, request: Request) -> ASGIApp | None:
        """Why there is no real answer, if there is none. What was asked is kept in any case."""
        plural = "/".join(request.path_params[part] for part in ("plural", "part") if part in request.path_params)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        asked = Asked(
            verb,
            plural,
            request.path_params.get("name", ""),
            dict(request.query_params),
            token if scheme.lower() == "bearer" else None,
        )
        self.asked.append(asked)
        await anyio.sleep(self.faults.latency)
        if self.faults.tokens is not None and asked.token not in self.faults.tokens:
            return _no(401, "Unauthorized")
        if refusal := self.faults.refusals.get((verb, plural)):
            return _no(refusal.status, refusal.message, refusal.retry_after)
        return None


def _kind(request: Request) -> Kind:
    group, version = request.path_params.get("group"), request.path_params["version"]
    return Kind(f"{group}/{version}" if group else version, request.path_params["plural"])


def _namespace(request: Request) -> str | None:
    name: str | None = request.path_params.get("namespace")
    return name


def _scale(content: Object) -> Object:
    metadata = {key: content["metadata"][key] for key in ("name", "namespace", "uid", "resourceVersion")}
    wanted = content.get("spec", {}).get("replicas", 1)
    exist = content.get("status", {}).get("replicas", 0)
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": metadata,
        "spec": {"replicas": wanted},
        "status": {"replicas": exist},
    }


def _answer(content: Object, code: int = 200, headers: dict[str, str] | None = None) -> ASGIApp:
    return JSONResponse(content, code, {"X-Stand-In": "kube-api", **(headers or {})})


def _no(code: int, message: str, retry_after: int | None = None) -> ASGIApp:
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return _answer(status(code, _REASONS.get(code, "Failure"), message), code, headers)
