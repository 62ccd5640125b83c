"""The configuration file as types: every key with its default and its meaning. Durations are seconds, sizes are
bytes.

The docstring of a key is its entry in `config/README.md` and in the JSON Schema: it says what the key does, its
unit, what leaving it out means, and when to change it, to a reader who knows YAML and not this code. A choice that
core takes as it is has core's enum as its type; every other choice is a `Literal`, of which the wiring makes what the
proxy or an edge takes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from gateway.core.policy import Balancing
from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles.registry import PROFILES, profile
from gateway.profiles.rules import parse_match
from gateway.settings.types import (
    AutoscalerUrl,
    BackendUrl,
    ClientName,
    CollectorUrl,
    CookieName,
    HeaderName,
    HeaderValue,
    Host,
    ListenHost,
    ListenHosts,
    Network,
    Number,
    ObjectName,
    Origin,
    PoolName,
    Port,
    Seconds,
    ServicePort,
    Size,
    Spelled,
    Text,
    UrlPath,
    VariableName,
)
from gateway.settings.waiting_page import Page

_MIB = 1 << 20

Duration = Annotated[float, Seconds()]
Period = Annotated[float, Seconds(0.001)]  # a duration that is not none
Count = Annotated[int, Number(0, whole=True)]
Limit = Annotated[int, Number(1, whole=True)]
ListenPort = Annotated[int, Number(0, 65535, whole=True)]
Percentage = Annotated[float, Number(1, 100)]
Share = Annotated[float, Number(0, 1)]


def _known_profile(value: object) -> str:
    name = value if isinstance(value, str) else ""
    profile(name)
    return name


#: Those that ship, and `package.module:function`.
_PROFILE_SCHEMA = {"anyOf": [{"enum": list(PROFILES)}, {"type": "string", "pattern": "^[^:]+:[^:]+$"}]}


def _match(value: object) -> str:
    text = value if isinstance(value, str) else ""
    parse_match(text)
    return text


class Section(BaseModel):
    """A mapping of the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class ListenSettings(Section):
    """The port for traffic. A change needs a restart."""

    host: ListenHosts = ("0.0.0.0",)
    """Address to listen on, or a list of them. `127.0.0.1` for this machine alone, `"::"` for IPv6 and IPv4;
    a machine without IPv6 takes that as `0.0.0.0`. A name stands for its first address."""
    port: ListenPort = 8080
    """Port to listen on. 0 takes any free one; the log's `listening` line names it."""
    health_path: UrlPath = "/.gateway/healthz"
    """Path that answers 200 without touching a pod, and 503 from SIGTERM on: for load balancers and
    uptime checks."""
    proxy_protocol: bool = False
    """Connections of `trusted_proxies` begin with a PROXY header (version 1 or 2), which says whose they
    are: for load balancers that pass bytes on, such as AWS's NLB or HAProxy's `send-proxy`. From them a
    connection without one is refused, from others one with it."""
    keep_alive: Period = 75.0
    """Seconds that a client's idle connection is kept. Longer than the load balancer in front keeps its
    own."""
    max_connections: Limit | None = None
    """Client connections in all; those over it get 503 at once. Left out: what the descriptor limit
    allows, if each one needs another to a pod."""
    max_connections_per_address: Limit | None = None
    """Connections of one client address; trusted proxies are exempt. Left out: half of
    `max_connections`."""


class OpsSettings(Section):
    """The operators' port: page, metrics, health, snapshot, orders. A change needs a restart."""

    host: ListenHosts = ("127.0.0.1",)
    """Address to listen on, or a list of them, as `listen.host`. Whoever reaches the port sees the pools,
    so it is loopback unless told otherwise."""
    port: ListenPort = 9090
    """Port to listen on. 0 takes any free one."""
    hosts: tuple[Host, ...] = ()
    """Names by which the port is asked for, besides addresses, `localhost` and `host`: of a Service, say.
    A request for any other gets 421, so that no page in a browser can read the port."""
    token_file: Path | None = None
    """File that holds the token which orders (drain, release, expel) come with: at least 32 characters.
    Left out, with `token_env`: no orders are taken."""
    token_env: VariableName | None = None
    """Environment variable that holds the token, in place of a file."""


class SessionSettings(Section):
    """The keys that sign session cookies: newest first, one a line, at least 32 characters each. Left
    out: a random key, so that sessions end with the process."""

    keys_file: Path | None = None
    """File that holds the keys. It is read again on SIGHUP. Empty lines and lines that begin with # do
    not count."""
    keys_env: VariableName | None = None
    """Environment variable that holds the keys, in place of a file."""


class ClientsSettings(Section):
    """Who may come in. Left out: everybody."""

    keys_file: Path | None = None
    """File with a line `NAME:SHA256` for each key, as `gateway key NAME` prints it; read again on
    SIGHUP. Clients bring a key as `Authorization: Bearer KEY`, as `X-API-Key: KEY`, or as the password
    that a browser asks for; others get 401. A browser sends that along for pages of every site: so with
    it POST and other unsafe methods are for pages of the host's own and of `allowed_origins`. Its name
    labels metrics and access lines."""
    pass_on: bool = False
    """Pods get the headers that brought the key. Off: they are taken off."""
    max_waiting: Limit | None = None
    """Counted requests of one client that may wait; those over it get 429. Left out: as many as
    `queue.limit` lets."""
    max_in_flight: Limit | None = None
    """Counted requests of one client that may be in line or at work; the others wait for these to end,
    and are no demand for pods. Clicks on a page of Gradio 3 do not count. Left out: no bound."""
    max_waiting_of: dict[ClientName, Limit] = {}
    """The same for the clients that it names."""
    max_in_flight_of: dict[ClientName, Limit] = {}
    """The same for the clients that it names."""


class LogSettings(Section):
    """The event log, on standard error, and the access log, on standard output. A change needs a
    restart."""

    format: Literal["json", "console", "auto"] = "auto"
    """`json`: one object a line. `console`: for people. `auto`: console on a terminal, else json."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """Events below this level are not written. Access lines always are."""


class KubernetesSettings(Section):
    """How to reach the API server, for pools with `backends.kubernetes` or `backends.knative`. Left
    out: the service account that every pod is given, else the default kubeconfig. A change needs a
    restart."""

    kubeconfig: Path | None = None
    """File to read cluster, user and certificates from, as kubectl does."""
    context: Text | None = None
    """Context of the kubeconfig. Left out: its current context."""


class MetricsSettings(Section):
    """What `/metrics` tells besides the gateway's own names. A change needs a restart."""

    knative_names: bool = True
    """Pools of Knative also appear under the names of Knative's activator, so that dashboards made for
    Knative show them."""


class TracingSettings(Section):
    """Traces of requests, sent to a collector by OTLP over HTTP. Needs the extra `tracing`. Headers,
    certificates and the service's name come from OpenTelemetry's own variables, such as
    OTEL_EXPORTER_OTLP_HEADERS. A change needs a restart."""

    endpoint: CollectorUrl | None = None
    """The collector's address. Left out: nothing is traced."""
    sample: Share = 1.0
    """Share of the traces that begin at the gateway which are recorded, from 0 to 1. A trace that a
    client has begun is recorded if the client records its part."""


class StopSettings(Section):
    """The order of stopping after SIGTERM. A change needs a restart."""

    delay: Duration = 0.0
    """Seconds that the listener stays open while `/readyz` already fails: as long as a load balancer
    needs to notice."""
    grace: Duration = 300.0
    """Seconds for which requests in line and at work are served. Then those that wait get 503, and pods
    of the gateway's own are stopped. Kubernetes' terminationGracePeriodSeconds must be longer than
    `delay` and `grace` together."""


class DnsSettings(Section):
    """Every address that a name resolves to is a backend: a headless Service, say."""

    name: Host
    """Name to look up."""
    port: Port
    """Port of every backend."""
    interval: Period = 5.0
    """Seconds between two look-ups: so long may pass before a new backend is known."""


class ProcessesSettings(Section):
    """Backends that the gateway starts and stops itself, on this machine."""

    command: tuple[Text, ...]
    """Program and arguments, one list item each. `{port}` becomes a free port, `{host}` the host below,
    `{gpu}` the process's GPU, `{python}` the gateway's own interpreter."""
    env: dict[VariableName, Text] = {}
    """Environment variables of each process, besides those of the gateway. Their values are never
    shown."""
    gpus: tuple[Text, ...] | None = None
    """GPUs as `nvidia-smi` numbers or names them: one process for each, which finds its GPU in
    CUDA_VISIBLE_DEVICES. Left out: CUDA_VISIBLE_DEVICES is not set."""
    max: Annotated[int, Number(1, whole=True)] | None = None
    """Processes at most. Left out: one for each GPU, else as many as `autoscaling.max_scale` allows."""
    host: ListenHost = "127.0.0.1"
    """Address at which the processes are reached, and `{host}` in `command`. Other machines can reach
    them past the gateway if it is not a loopback address."""
    log_dir: Path = Path("run/pods")
    """Directory for the output of each process, relative to where the gateway is started."""
    stop_grace: Duration = 10.0
    """Seconds from SIGTERM to SIGKILL of a process. Longer where a backend saves its work when it
    ends."""


class KubernetesServiceSettings(Section):
    """The pods behind a Service of Kubernetes, headless or ordinary, by its EndpointSlices."""

    namespace: ObjectName
    """Namespace of the Service."""
    service: ObjectName
    """Name of the Service."""
    port: ServicePort | None = None
    """Port of the Service by its name, or its number at the pod. Left out: the only one."""
    deletion_cost: bool = True
    """Writes controller.kubernetes.io/pod-deletion-cost, so that pods without work are taken first when
    there are to be fewer. Needs the right to patch pods; without it the log says so once."""


class KnativeSettings(Section):
    """A Knative Service. Its Route's traffic is split between its revisions, and each has a line of its
    own."""

    namespace: ObjectName
    """Namespace of the Service."""
    service: ObjectName
    """Name of the Service."""
    exempt_via: Literal["user-port", "kubelet-probe", "queue"] = "user-port"
    """How requests that take no slot get past the queue-proxy, which lets in only containerConcurrency.
    `user-port`: to the port of the user's container. `kubelet-probe`: marked as a probe, where that
    port cannot be reached. `queue`: not at all, they queue."""
    accounting: Literal["auto", "waiting", "proxied"] = "auto"
    """What Knative's autoscaler is told. `waiting`: what waits at the gateway; what is at work it reads
    from the pods. `proxied`: what is at work as well. `auto`: proxied if target-burst-capacity is -1,
    else waiting, which is as Knative does it. Change it only where the autoscaler counts requests
    twice, or not at all."""
    autoscaler: AutoscalerUrl = "ws://autoscaler.knative-serving.svc:8080"
    """Address of Knative's autoscaler. Another one where Knative does not run in the namespace
    knative-serving."""
    system_namespace: ObjectName = "knative-serving"
    """Namespace of Knative's own config map config-autoscaler, whose defaults hold for the Service."""
    deletion_cost: bool = True
    """As `backends.kubernetes.deletion_cost`."""


class BackendsSettings(Section):
    """Where the pool's backends come from: exactly one of these keys."""

    static: tuple[BackendUrl, ...] | None = None
    """Addresses of backends that run already. They are neither started nor stopped. Each is one pod: a
    name that leads to several pods belongs into `dns`."""
    dns: DnsSettings | None = None
    """Every address that a name resolves to: for a headless Service without rights in its cluster."""
    processes: ProcessesSettings | None = None
    """Processes that the gateway starts and stops on this machine."""
    kubernetes: KubernetesServiceSettings | None = None
    """The pods of a Kubernetes Service, which Kubernetes or the gateway itself scales (`scaling`)."""
    knative: KnativeSettings | None = None
    """The revisions of a Knative Service, whose pods Knative's own autoscaler scales."""


class DeploymentSettings(Section):
    """A Deployment in the namespace of `backends.kubernetes`."""

    deployment: ObjectName
    """Name of the Deployment."""


class ScalingSettings(Section):
    """The autoscaler's target. Left out: none, except that a pool of `processes` scales itself."""

    kubernetes: DeploymentSettings | None = None
    """The gateway sets the replicas of this Deployment as `autoscaling` decides. Needs the right to
    read and patch its scale."""


class AffinitySettings(Section):
    """Sessions: how a returning visitor finds the backend that knows them, the session's home."""

    cookie: CookieName = "sd"
    """Name of the session cookie. Two pools on one host need different names."""
    same_site: Literal["lax", "none", "strict"] = "lax"
    """Whether pages of other sites send the session cookie. `lax`: when they link here. `strict`: never, so
    who follows such a link begins a new session. `none`: also from within a frame there, so that an
    embedded page keeps its home (`Secure`, `Partitioned`: by https alone). Then other methods than GET,
    HEAD and OPTIONS are refused from pages but the host's own and those of `allowed_origins`."""
    header: HeaderName | None = None
    """Header by which clients without cookies are known: whoever sends the same value is the same
    visitor. Left out: no header counts."""
    ttl: Period = 1800.0
    """Seconds that a session lives after its last request. Longer: a visitor who comes back finds their
    backend, and fewer backends are without sessions."""
    when_busy: WhenBusy = WhenBusy.WAIT
    """What a session's request does while its home is busy. `wait`: it waits for it. `spill`: any free
    backend serves it, and home stays home. Rules may say otherwise for their requests."""
    spill_after: Duration = 0.0
    """With `spill`: seconds that a request waits for its home alone before any free backend may serve
    it."""
    move_after: Duration = 10.0
    """Seconds that a request waits for a home whose slots are all quarantined. Then any backend may
    serve it, and the session moves there."""
    move_when_busy: Duration | None = None
    """Seconds that a request which waits for its home does so alone while the home is busy. Then any
    free backend may serve it, and the session moves there with all it has in line; not while its home
    works for the session itself. Left out: 10 for comfyui, never for other profiles. More than
    `queue.timeout`: never."""
    model_switch_cost: Duration = 10.0
    """For a1111, forge, sdnext and comfyui: seconds that a request may wait, once, for a backend that
    has its model while another one is free; younger requests that fit better may go ahead for so long.
    At most what loading a model takes. 0: models do not matter, and the line is strictly in order."""
    sessions: Annotated[int, Number(1, whole=True)] = 100_000
    """Sessions that are remembered. The least recently used go first; their cookies still name their
    homes."""


class QueueSettings(Section):
    """The bounds of the line."""

    limit: Count = 1000
    """Requests that may wait, or send their bodies, at once. Over it: 503 with Retry-After. Smaller
    where a late answer is worth nothing."""
    bytes: Size = 1024 * _MIB
    """Bytes that bodies of requests in line, and answers that slow clients have yet to take, may take
    in memory and files together. Over it a request gets 503, and an answer is read as slowly as its
    client takes it. At most what the machine has to spare."""
    client_share: Percentage = 25.0
    """Percent of `limit` and of `bytes` that one client may hold: its key where there are keys, its
    session if its cookie came back, else its address. Over it: 503 with Retry-After. Trusted proxies
    that name no client are exempt. 100 where one program sends all requests."""
    timeout: Duration = 300.0
    """Seconds that a request waits in line while a backend is ready. Then: 503 with Retry-After. Longer
    than the jobs ahead of it take."""


class ColdStartSettings(Section):
    """Waiting while no backend is ready."""

    timeout: Duration = 600.0
    """Seconds that a request waits while no backend is ready. Longer than a start takes, images and
    models included."""
    page: Page = "auto"
    """What somebody gets who opens the site in a browser meanwhile. `auto`: a page that says how far
    the start is and goes on by itself. `off`: the browser waits. Else the path of a page of your own,
    with $follow in its head (also $heading, $state and $expected)."""


class TimeoutSettings(Section):
    """Timers of one request."""

    headers: Period = 10.0
    """Seconds for the client to send its headers. Of several pools the longest counts for all."""
    body_idle: Period = 30.0
    """Seconds between two pieces of the request's body; after so many it must have brought 1 KiB a
    second on average."""
    body_total: Period = 600.0
    """Seconds that a request's body may take in all, however steadily it comes. Then: 408. Longer where
    large bodies come over slow lines."""
    connect: Period = 2.0
    """Seconds for a backend to take a connection. Longer only across slow networks."""
    response_start: Period = 600.0
    """Seconds from the end of the request to the headers of the answer: longer than the longest job,
    where the backend answers when the job is done."""
    idle: Period = 300.0
    """Seconds between two pieces of the answer. Longer for backends that stream with long pauses."""
    write_stall: Period = 60.0
    """Seconds that a client may take nothing of its answer. Then its connection is closed."""
    total: Period = 900.0
    """Seconds from the grant of a slot to the end of the answer, and of a job that goes on behind its
    answer. Then the client gets 504 if no answer has begun, and the slot is quarantined. Longer than
    the longest job, a video perhaps."""
    keep_alive: Duration = 4.0
    """Seconds that an idle connection to a backend may be used again: shorter than the backend keeps it
    (uvicorn: 5). 0: none is kept, nor dialled ahead."""


class QuarantineSettings(Section):
    """A slot whose request is over for the gateway but perhaps not for the backend."""

    max: Duration | None = None
    """Seconds that a slot is kept for a backend that cannot be asked whether it works. 0: the backend
    is known to stop when its connection closes. Left out: what was left of `timeouts.total`."""
    replace_after: Duration = 30.0
    """Seconds after which a process of the gateway's own that is quarantined is stopped and
    replaced."""


class HealthSettings(Section):
    """When a backend whose answers fail gets no requests for a while: it is *ejected*. An answer fails
    that is a 5xx, that breaks off, or that is not HTTP; a 4xx says nothing. One good answer after its
    return makes all well."""

    errors: Count = 5
    """Failed answers in a row, to more than one client, that eject a backend; the half of them, rounded
    up, where all other backends answer well. 0: none is ever ejected, for services whose 5xx is an
    answer like others."""
    share: Percentage = 50.0
    """Percent of a backend's last 20 answers (of 10 at least): more failures than that eject it, too.
    100: only failures in a row do."""
    rest: Period = 10.0
    """Seconds of the first ejection. Each that follows without a good answer between takes twice as
    long, 300 at most; the third in a row replaces a process of the gateway's own."""
    max_ejected: Annotated[float, Number(0, 100)] = 50.0
    """Percent of the ready backends that may be ejected at once, rounded down; never the last one."""


class ReadinessSettings(Section):
    """When a backend may be given work. The profile says how it is asked, unless `tcp` or `http` is
    set."""

    initial_delay: Duration = 0.0
    """Seconds from a backend's appearance to its first probe. For backends that must not be asked
    early; `settle` is better where the time of the start varies."""
    settle: Duration | None = None
    """Seconds that the backend's port must have been open before the first HTTP request is sent to it,
    probes included: there are servers that a request in the middle of their start ends. Left out: as
    the profile says (a1111, forge, sdnext: 3; others: 0)."""
    period: Period = 1.0
    """Seconds between two probes of a backend, before and after it is ready."""
    timeout: Period = 1.0
    """Seconds for a probe to be answered. Longer where a backend at work answers late."""
    failure_threshold: Annotated[int, Number(1, whole=True)] = 3
    """Probes in a row that must fail before a ready backend is not ready any more. More of them where
    backends at work miss probes."""
    tcp: bool = False
    """An open port is enough: no HTTP probe is sent. For backends that open their port when they can
    work."""
    http: Annotated[str, Spelled(r"/[^#\s]*", 'a path that begins with "/"')] | None = None
    """Path whose GET must answer 200 to 399. Left out: as the profile says."""


class ProbeSettings(Section):
    """The gateway's own requests to backends."""

    headers: dict[HeaderName, HeaderValue] = {}
    """Headers of every HTTP probe, such as Authorization for pods that ask for a login. Their values
    are never shown."""


class AutoscalingSettings(Section):
    """How many pods are wanted, decided as Knative's pod autoscaler does: its annotations
    (autoscaling.knative.dev/...) in snake_case, with its ranges. Defaults that differ from Knative's
    say so."""

    class_: Literal["kpa.autoscaling.knative.dev"] = Field(default="kpa.autoscaling.knative.dev", alias="class")
    """The only autoscaler there is: so that annotations can be taken over as they are."""
    min_scale: Count = 0
    """Pods that are kept without any demand. 0: the last one goes, too. 1: no visitor waits for a
    start."""
    max_scale: Count = 10
    """Pods at most. 0: no bound. (Knative: 0)"""
    initial_scale: Count = 0
    """Pods that are started when the pool begins. (Knative: 1)"""
    activation_scale: Annotated[int, Number(2, whole=True)] | None = None
    """Pods at least while there is any demand, so that a second visitor finds one, too. Left out: 1."""
    metric: Literal["concurrency", "rps"] = "concurrency"
    """What is averaged: requests at once. `rps` (requests a second) is for Knative's own autoscaler
    alone."""
    target: Annotated[float, Number(0.01)] | None = None
    """The metric's value that one pod is worth. Left out: the pool's `concurrency`; 100 if that is 0;
    200 for rps."""
    target_utilization_percentage: Percentage = 100.0
    """Percent of the target that a pod is used to. (Knative: 70)"""
    target_burst_capacity: Annotated[float, Number(-1)] = -1.0
    """Requests at once that a burst may bring before pods are added. -1: the gateway stays in the path.
    (Knative: 211)"""
    window: Annotated[int, Seconds(6, 3600, whole=True)] = 60
    """Seconds of the stable window that demand is averaged over. It also makes the answer to new demand
    slower: to keep pods longer, raise `scale_down_delay`."""
    panic_window_percentage: Percentage = 10.0
    """Length, in percent of `window`, of the short window by which a burst is seen."""
    panic_threshold_percentage: Annotated[float, Number(110, 1000)] = 200.0
    """Percent of what the ready pods are worth at which panic mode begins. In panic mode pods are only
    added."""
    scale_down_delay: Annotated[int, Seconds(0, 3600, whole=True)] = 0
    """Seconds for which the highest wanted number of pods is kept. More of it: fewer cold starts, a
    higher bill; cheaper than a longer `window`, which is slow to start pods, too."""
    scale_to_zero_pod_retention_period: Annotated[float, Seconds(0, 3600)] = 0.0
    """Seconds that the last pod is kept at least after zero was decided. Longer: fewer cold starts, a
    higher bill."""
    metric_aggregation_algorithm: Literal["linear", "weighted-exponential"] = "linear"
    """How the window is averaged. `weighted-exponential`: the latest seconds weigh most."""


class RuleSettings(Section):
    """How some requests are treated. Rules that deny go first; then the first that matches counts; then
    the profile's."""

    match: Annotated[str, PlainValidator(_match), WithJsonSchema({"type": "string"})]
    """Methods and path: `GET /foo/*`, `GET,POST /foo`, `* /foo`. A `*` at the end of a path stands for
    any rest, one elsewhere for one segment."""
    lane: Lane
    """`counted`: takes a slot and wakes pods. `exempt`: takes none. `passive`: nor does it wake a pod
    or keep one up. `denied`: 403. Routes by which the profile follows jobs or files keep their lane: a
    rule with another one does not reach them, and one that names such a route is refused."""
    when_busy: WhenBusy | None = None
    """As `affinity.when_busy`, for these requests. Left out: as that says."""
    repeatable: bool = False
    """These requests may be sent once more if no byte of an answer came: they change nothing, or may
    change it twice."""


class PoolSettings(Section):
    """Backends that serve the same thing, and their line."""

    hosts: tuple[Host, ...] = ()
    """Hosts that lead to this pool, without port. A pool that names a host goes before one that does
    not. Left out: every host."""
    path_prefix: tuple[UrlPath, ...] = ()
    """Beginnings of paths that lead to this pool; of several pools the longest that matches counts. Rules
    and the profile see the path behind it, the backend the whole path. One that is a part of the
    profile's own routes (`/sdapi`) only chooses. Left out: every path."""
    strip_prefix: bool = False
    """The backend gets the path without `path_prefix`, which `X-Forwarded-Prefix` tells it. For servers
    that have their routes at `/`, whatever their links say: A1111 with `--subpath sd`, Gradio with
    `root_path`, ComfyUI. Redirects and cookies are the backend's own, and stay as they are."""
    profile_root: UrlPath | None = None
    """Path below which the backend has what the profile knows, as the backend gets it: `/app` for Gradio
    mounted there in FastAPI. Rules, the profile's probes and its orders go below it; what lies beside
    it only `rules` name. Left out: `/` with `strip_prefix`, else `path_prefix`."""
    profile: Annotated[str, PlainValidator(_known_profile), WithJsonSchema(_PROFILE_SCHEMA)] = "generic"
    """What kind of backend it is, by which routes are told apart. `generic` counts every request.
    `package.module:function`: one of your own (gateway/profiles/DESIGN.md)."""
    concurrency: Count = 1
    """Requests that a backend may work on at once: its slots (Knative: containerConcurrency). More than
    1 only where a backend does work on so many; most servers queue inside. 0: no limit."""
    backends: BackendsSettings
    """Where the pool's backends come from."""
    affinity: AffinitySettings = AffinitySettings()
    """Sessions, and the backends that they return to."""
    balancing: Balancing = Balancing.FEWEST_SESSIONS
    """Which free backend serves a request without a home. `fewest_sessions`: the one that the fewest
    sessions will return to. `first_available`: the first listed, so that the others can be scaled in.
    `round_robin`: each in turn."""
    queue: QueueSettings = QueueSettings()
    """The bounds of the line."""
    cold_start: ColdStartSettings = ColdStartSettings()
    """Waiting while no backend is ready."""
    timeouts: TimeoutSettings = TimeoutSettings()
    """Timers of one request."""
    max_body: Size = 100 * _MIB
    """Bytes that a request's body may have, at most `queue.bytes`. Over it: 413."""
    response_spool: Size = 64 * _MIB
    """Bytes of a counted answer that are taken from the backend ahead of a slow client, so that the
    slot is free sooner."""
    drain_timeout: Duration | None = None
    """Seconds that an answer is read on when its client has left, before the connection is closed and
    the slot quarantined. Left out: what is left of `timeouts.total`."""
    on_client_gone: Literal["finish", "close", "interrupt"] = "finish"
    """What becomes of a backend's work when its client leaves. `finish`: it is read to its end.
    `close`: the connection is closed and the slot quarantined. `interrupt`: the profile's interrupt is
    sent, then as `finish`."""
    quarantine: QuarantineSettings = QuarantineSettings()
    """Slots that may still be at work."""
    health: HealthSettings = HealthSettings()
    """When a backend whose answers fail gets no requests for a while."""
    readiness: ReadinessSettings = ReadinessSettings()
    """When a backend may be given work."""
    probe: ProbeSettings = ProbeSettings()
    """What the gateway's own requests to backends bring."""
    autoscaling: AutoscalingSettings = AutoscalingSettings()
    """How many pods are wanted, where the gateway decides it."""
    scaling: ScalingSettings = ScalingSettings()
    """What the autoscaler scales."""
    rules: tuple[RuleSettings, ...] = ()
    """Rules that go before the profile's."""
    allowed_origins: tuple[Origin, ...] = ()
    """Sites whose pages may open websockets (and with `affinity.same_site: none` send what is not safe),
    besides the host's own: as browsers write `Origin`. They may read the gateway's own answers (CORS:
    503, 504, 403; `Retry-After`, `X-Queue-*`), and have their preflights answered while no pod runs, or
    where one would take a slot. Pods speak for their own answers. Also `null`, `file://`,
    `capacitor://localhost`, `chrome-extension://ID`; `*`: every site, without cookies and without a key
    that a browser keeps. Left out: none."""
    expose_backend: bool = False
    """Answers name their backend in the header X-Backend. For trying things out: it tells clients of
    addresses inside."""


class Settings(Section):
    """The configuration file of the gateway."""

    listen: ListenSettings = ListenSettings()
    """The port for traffic."""
    ops: OpsSettings = OpsSettings()
    """The operators' port."""
    trusted_proxies: tuple[Network, ...] = ()
    """Networks of the proxies in front whose X-Forwarded-* and Forwarded count, and K-Original-Host
    where there is a pool of Knative's. Left
    out: nobody's do."""
    session: SessionSettings = SessionSettings()
    """The keys that sign session cookies."""
    clients: ClientsSettings = ClientsSettings()
    """Who may come in."""
    log: LogSettings = LogSettings()
    """The logs."""
    metrics: MetricsSettings = MetricsSettings()
    """What `/metrics` tells."""
    tracing: TracingSettings = TracingSettings()
    """Traces of requests."""
    kubernetes: KubernetesSettings = KubernetesSettings()
    """How to reach the API server."""
    stop: StopSettings = StopSettings()
    """What SIGTERM begins."""
    pools: dict[PoolName, PoolSettings]
    """The pools, by names of your choice, which metrics and logs show."""
