"""The configuration file as types: every key with its default and its meaning. Durations are seconds, sizes are bytes.

`load`, `examine`, `session_keys` and `admin_token` are the only readers of files and environment.
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
    CollectorUrl,
    CookieName,
    HeaderName,
    Host,
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
    """The port for traffic."""

    host: str = "0.0.0.0"
    port: ListenPort = 8080
    """0: any free one."""
    health_path: UrlPath = "/.gateway/healthz"
    """Answers without touching a pool."""
    keep_alive: Period = 75.0
    """How long a client's idle connection is kept."""
    max_connections: Limit | None = None
    """Of clients. None: as many as the descriptors allow, if each needs another one to a backend."""
    max_connections_per_address: Limit | None = None
    """Of one client; trusted proxies are exempt. None: half of all."""


class OpsSettings(Section):
    """The operators' port: metrics, health, snapshot, dashboard."""

    host: str = "127.0.0.1"
    port: ListenPort = 9090
    token_file: Path | None = None
    """Holds the token that orders (drain, release, expel) come with. Without one the gateway takes none."""
    token_env: VariableName | None = None
    """The environment variable that holds it."""


class SessionSettings(Section):
    """The keys that sign cookies, newest first, one a line. None: a random key, which is gone with the process."""

    keys_file: Path | None = None
    """Re-read on SIGHUP. Empty lines and those that begin with # do not count."""
    keys_env: VariableName | None = None
    """The environment variable that holds them."""


class LogSettings(Section):
    """The log, on standard error."""

    format: Literal["json", "console", "auto"] = "auto"
    """auto: console on a terminal, else json."""
    level: Literal["debug", "info", "warning", "error"] = "info"


class KubernetesSettings(Section):
    """How to reach the API server. Without a kubeconfig: by what every pod is given."""

    kubeconfig: Path | None = None
    context: Text | None = None
    """None: the kubeconfig's current one."""


class MetricsSettings(Section):
    """What /metrics tells, besides the gateway's own."""

    knative_names: bool = True
    """Of Knative's pools also under Knative's own names, so that dashboards made for Knative show them."""


class TracingSettings(Section):
    """Traces of requests, sent to a collector; an extra. What else the SDK can be told (headers, certificates, the
    service's name) it reads from its standard variables, OTEL_EXPORTER_OTLP_HEADERS and the like."""

    endpoint: CollectorUrl | None = None
    """Of a collector that takes OTLP over HTTP, such as http://127.0.0.1:4318. None: nothing is traced."""
    sample: Share = 1.0
    """Of the traces that begin here. Those that a client has begun are recorded if the client's part of them is."""


class StopSettings(Section):
    """What SIGTERM begins."""

    delay: Duration = 0.0
    """How long the listener stays open while /readyz already fails."""
    grace: Duration = 300.0
    """How long requests in line and in flight are served."""


class DnsSettings(Section):
    """Every address of a name is a backend."""

    name: Host
    port: Port
    interval: Period = 5.0
    """Between two look-ups."""


class ProcessesSettings(Section):
    """Backends that the gateway starts and stops itself."""

    command: tuple[Text, ...]
    """{port} is a free port, {host} the host below, {gpu} the process's GPU, {python} the gateway's own interpreter."""
    env: dict[VariableName, Text] = {}
    gpus: tuple[Text, ...] | None = None
    """One process each, which finds it in CUDA_VISIBLE_DEVICES."""
    max: Annotated[int, Number(1, whole=True)] | None = None
    """None: as many as there are GPUs, or as autoscaling.max_scale allows."""
    host: Host = "127.0.0.1"
    """Where the processes listen."""
    log_dir: Path = Path("run/pods")
    """The output of each, relative to where the gateway is started."""
    stop_grace: Duration = 10.0
    """From SIGTERM to SIGKILL."""


class KubernetesServiceSettings(Section):
    """The pods behind a Service of Kubernetes, headless or ordinary."""

    namespace: ObjectName
    service: ObjectName
    port: ServicePort | None = None
    """Its name, or its number at the pod. None: the only one."""
    deletion_cost: bool = True
    """Pods at work, and those with sessions, are told to be dear, so that others are taken first when there are to be
    fewer. Needs the right to patch pods; without it that is said once."""


class KnativeSettings(Section):
    """A Knative Service. Its Route's traffic is split between its revisions, and each has a line of its own."""

    namespace: ObjectName
    service: ObjectName
    exempt_via: Literal["user-port", "kubelet-probe", "queue"] = "user-port"
    """How requests that take no slot get past the queue-proxy, which lets in only containerConcurrency: to the port of
    the user's container; or marked as probes, where that cannot be reached; or not at all."""
    accounting: Literal["auto", "waiting", "proxied"] = "auto"
    """What Knative's autoscaler is told: what waits here, or what is in flight as well. auto: proxied if
    target-burst-capacity is -1, else waiting."""
    autoscaler: AutoscalerUrl = "ws://autoscaler.knative-serving.svc:8080"
    """Where it is told."""
    system_namespace: ObjectName = "knative-serving"
    """Where the config map config-autoscaler is."""
    deletion_cost: bool = True
    """As with kubernetes."""


class BackendsSettings(Section):
    """Where the pool's backends come from: exactly one of these."""

    static: tuple[BackendUrl, ...] | None = None
    """Backends that run already, such as http://127.0.0.1:7860."""
    dns: DnsSettings | None = None
    processes: ProcessesSettings | None = None
    kubernetes: KubernetesServiceSettings | None = None
    knative: KnativeSettings | None = None


class DeploymentSettings(Section):
    """A Deployment in the namespace of backends.kubernetes."""

    deployment: ObjectName


class ScalingSettings(Section):
    """Who is told how many backends there should be. None: nobody, or the gateway itself for processes of its own."""

    kubernetes: DeploymentSettings | None = None
    """By `autoscaling`, with the right to read and patch the scale of the Deployment."""


class AffinitySettings(Section):
    """How a returning visitor finds the backend that knows them."""

    cookie: CookieName = "sd"
    header: HeaderName | None = None
    """Of clients without cookies: whoever sends the same value of it is the same visitor, such as X-Session-Key."""
    ttl: Period = 1800.0
    """A session lives that long after its last request."""
    when_busy: WhenBusy = WhenBusy.WAIT
    """wait for the home, or spill to any free backend."""
    spill_after: Duration = 0.0
    move_after: Duration = 10.0
    """How long a home may be stuck before its sessions move."""
    model_switch_cost: Duration = 10.0
    """For a1111, forge, sdnext and comfyui: how long a request may wait for a backend that has its model while another
    one is free, and younger ones that fit better go first. At most what a load takes. 0: models do not matter."""
    sessions: Annotated[int, Number(1, whole=True)] = 100_000
    """At most so many are known; the least recently used go first."""


class QueueSettings(Section):
    """The bounds of the line."""

    limit: Count = 1000
    """Requests."""
    bytes: Size = 1024 * _MIB
    """What their bodies and spooled answers may take."""
    timeout: Duration = 300.0
    """How long a request waits while a backend is ready."""


class ColdStartSettings(Section):
    """Waiting while no backend is ready."""

    timeout: Duration = 600.0
    page: Page = "auto"
    """What somebody sees who opens the site in a browser meanwhile. auto: a page that goes on by itself. off: nothing,
    the browser waits. Else the path of a page of your own, with $follow in its head (also $state, $expected)."""


class TimeoutSettings(Section):
    """Timers of one request."""

    headers: Period = 10.0
    """For the client to send them."""
    body_idle: Period = 30.0
    """Between two pieces of the request's body; and its start before it must have brought 1 KiB a second on average."""
    connect: Period = 2.0
    """For the backend to take a connection."""
    response_start: Period = 600.0
    """From the request's end to the answer's headers."""
    idle: Period = 300.0
    """Between two pieces of the answer."""
    write_stall: Period = 60.0
    """How long a reader may take nothing."""
    total: Period = 900.0
    """From the grant to the answer's end."""
    keep_alive: Duration = 4.0
    """How long an idle connection to a backend may be used again: shorter than the backend keeps it (uvicorn: 5 s).
    0: none is kept, nor dialled ahead."""


class QuarantineSettings(Section):
    """A slot whose request is over for the gateway but perhaps not for the backend."""

    max: Duration | None = None
    """None: what was left of timeouts.total. 0: the backend is known to stop when its connection closes."""
    replace_after: Duration = 30.0
    """A process of the gateway's own is stopped and replaced then."""


class ReadinessSettings(Section):
    """When a backend may be given work. The probe is the profile's, unless tcp or http says otherwise."""

    initial_delay: Duration = 0.0
    period: Period = 1.0
    timeout: Period = 1.0
    failure_threshold: Annotated[int, Number(1, whole=True)] = 3
    tcp: bool = False
    """An open port is enough."""
    http: Annotated[str, Spelled(r"/[^#\s]*", 'a path that begins with "/"')] | None = None
    """A GET of this path answers 200 to 399."""


class AutoscalingSettings(Section):
    """Knative's annotations (autoscaling.knative.dev/...) in snake_case, with Knative's ranges. Defaults that differ
    from Knative's say so."""

    class_: Literal["kpa.autoscaling.knative.dev"] = Field(default="kpa.autoscaling.knative.dev", alias="class")
    min_scale: Count = 0
    max_scale: Count = 10
    """0: no bound. (Knative: 0)"""
    initial_scale: Count = 0
    """(Knative: 1)"""
    activation_scale: Annotated[int, Number(2, whole=True)] | None = None
    """The least number of backends while there is any demand."""
    metric: Literal["concurrency", "rps"] = "concurrency"
    target: Annotated[float, Number(0.01)] | None = None
    """A backend's worth of the metric. None: the pool's concurrency; 100 if that is 0; 200 for rps."""
    target_utilization_percentage: Percentage = 100.0
    """(Knative: 70)"""
    target_burst_capacity: Annotated[float, Number(-1)] = -1.0
    """-1: the gateway stays in the path. (Knative: 211)"""
    window: Annotated[int, Seconds(6, 3600, whole=True)] = 60
    panic_window_percentage: Percentage = 10.0
    panic_threshold_percentage: Annotated[float, Number(110, 1000)] = 200.0
    scale_down_delay: Annotated[int, Seconds(0, 3600, whole=True)] = 0
    scale_to_zero_pod_retention_period: Annotated[float, Seconds(0, 3600)] = 0.0
    metric_aggregation_algorithm: Literal["linear", "weighted-exponential"] = "linear"


class RuleSettings(Section):
    """How some requests are treated. The first that matches counts; those that deny go first; then the profile's."""

    match: Annotated[str, PlainValidator(_match), WithJsonSchema({"type": "string"})]
    """Methods and path: "GET /foo/*", "GET,POST /foo", "* /foo"."""
    lane: Lane
    """counted: takes a slot. exempt: takes none. passive: nor does it wake or keep a backend. denied: 403."""
    when_busy: WhenBusy | None = None
    """None: as affinity.when_busy."""
    repeatable: bool = False
    """May be sent once more if no byte of an answer came."""


class PoolSettings(Section):
    """Backends that serve the same thing, and their line."""

    hosts: tuple[Host, ...] = ()
    """Without port. None: every host."""
    path_prefix: tuple[UrlPath, ...] = ()
    """None: every path. The longest that matches counts."""
    profile: Annotated[str, PlainValidator(_known_profile), WithJsonSchema(_PROFILE_SCHEMA)] = "generic"
    """What kind of backend it is. package.module:function: one of your own (gateway/profiles/DESIGN.md)."""
    concurrency: Count = 1
    """Requests a backend may work on at once (containerConcurrency). 0: no limit."""
    backends: BackendsSettings
    affinity: AffinitySettings = AffinitySettings()
    balancing: Balancing = Balancing.FEWEST_SESSIONS
    queue: QueueSettings = QueueSettings()
    cold_start: ColdStartSettings = ColdStartSettings()
    timeouts: TimeoutSettings = TimeoutSettings()
    max_body: Size = 100 * _MIB
    response_spool: Size = 64 * _MIB
    """So much of a counted answer is taken from the backend ahead of a slow reader."""
    drain_timeout: Duration | None = None
    """How long an answer nobody reads is read on. None: what is left of timeouts.total."""
    on_client_gone: Literal["finish", "close", "interrupt"] = "finish"
    quarantine: QuarantineSettings = QuarantineSettings()
    readiness: ReadinessSettings = ReadinessSettings()
    autoscaling: AutoscalingSettings = AutoscalingSettings()
    scaling: ScalingSettings = ScalingSettings()
    rules: tuple[RuleSettings, ...] = ()
    allowed_origins: tuple[Origin, ...] = ()
    """Whose pages may open websockets, such as https://ui.example.com, besides those of the host asked for."""
    expose_backend: bool = False
    """X-Backend on answers: the backend's name."""


class Settings(Section):
    """The configuration file of the gateway."""

    listen: ListenSettings = ListenSettings()
    ops: OpsSettings = OpsSettings()
    trusted_proxies: tuple[Network, ...] = ()
    """Whose X-Forwarded-*, Forwarded and K-Original-Host count."""
    session: SessionSettings = SessionSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    tracing: TracingSettings = TracingSettings()
    kubernetes: KubernetesSettings = KubernetesSettings()
    stop: StopSettings = StopSettings()
    pools: dict[PoolName, PoolSettings]
