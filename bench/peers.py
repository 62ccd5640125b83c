"""The gateway's peers, as a bench meets them: how each is configured for the same job, started, and found.

Nothing is installed here, and no peer asks its pods how they are, unless it is told: a question would meet a pod at
work. Each keeps to one thread of work and writes its access log to a file. What a peer cannot do is said where it is
configured.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from bench.job import PASSES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from bench.job import Job

#: Longer than anything here takes, seconds: nobody is to give up waiting.
_LONG = 600

#: Seconds for a program to say what it is.
_TELLS_WITHIN = 10.0

_VERSION = re.compile(r"\d+\.\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Peer:
    """A program that does the job, or most of it."""

    name: str  # of the program, too
    configuration: Callable[[Job], str]
    arguments: Callable[[str], Sequence[str]]  # of the program, given the path of the configuration
    version: str  # the argument that makes it tell its version
    queues: bool = True  # whether what finds every pod busy waits


def find_program(name: str) -> str | None:
    """In this environment, on PATH, or where Debian puts servers. None: nowhere."""
    places = (str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), "/usr/sbin")
    return shutil.which(name, path=os.pathsep.join(places))


def version_of(peer: Peer, program: str) -> str:
    """As it tells it itself, or "of unknown version"."""
    try:
        told = subprocess.run((program, peer.version), capture_output=True, text=True, timeout=_TELLS_WITHIN)
    except (OSError, subprocess.TimeoutExpired):
        return "of unknown version"
    found = _VERSION.search(told.stdout + told.stderr)
    return found[0] if found else "of unknown version"


def haproxy(job: Job, checks: str = "") -> str:
    """Cookieless requests wait in the backend's one line; those with a cookie for their own pod. `checks`: further
    words about every server.

    HAProxy's log can only be sent to syslog or a descriptor it was started with: here, standard output.
    """
    return f"""
global
    nbthread 1
    maxconn 4096
    log stdout format raw local0
defaults
    mode http
    log global
    option httplog
    timeout connect 5s
    timeout client {_LONG}s
    timeout server {_LONG}s
    timeout queue {_LONG}s
    option abortonclose
    option redispatch 1
    retries 3
    retry-on conn-failure
frontend bench
    bind 127.0.0.1:{job.port}
    use_backend open if {{ method GET }} {{ path_beg {PASSES} }}
    default_backend counted
backend counted
    balance leastconn
    cookie sd insert indirect nocache httponly dynamic maxidle 30m attr "Max-Age=1800" attr "SameSite=Lax"
    dynamic-cookie-key bench
    default-server maxconn {job.limit} {checks}
{_lines(job, "    server p{number} {host}:{port}")}
backend open
    balance leastconn
    cookie sd insert indirect nocache httponly dynamic maxidle 30m attr "Max-Age=1800" attr "SameSite=Lax"
    dynamic-cookie-key bench
{_lines(job, "    server p{number} {host}:{port}")}
"""


def nginx(job: Job) -> str:
    """It has no line: with every pod at its limit, it refuses. Affinity is by hash, and soft.

    Since it is to pass on what comes as it comes, it reads no more at once than its first buffer holds; with the few
    KiB that are its default, a large answer costs it three times the CPU.

    Workers run as whoever started the bench, for its folder is theirs alone; root's would run as somebody else.
    """
    user = "user root root;" if os.getuid() == 0 else ""
    kept = "\n".join(
        f"    {of}_temp_path {job.folder}/temp;" for of in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    proxying = f"""
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_read_timeout {_LONG}s;
            proxy_buffering off;
            proxy_buffer_size 64k;
            proxy_buffers 8 64k;
            proxy_request_buffering off;
            add_header Set-Cookie "sd=$sid; Path=/; Max-Age=1800; HttpOnly; SameSite=Lax" always;"""
    return f"""
daemon off;
{user}
worker_processes 1;
pid {job.folder}/pid;
error_log stderr;
events {{ worker_connections 4096; }}
http {{
    access_log {job.folder}/access.log;
{kept}
    keepalive_requests 1000000000;
    map $cookie_sd $sid {{ default $cookie_sd; "" $request_id; }}
    upstream counted {{
        zone counted 64k;
        hash $sid consistent;
{_lines(job, "        server {host}:{port} max_conns={limit};")}
    }}
    upstream open {{
        zone open 64k;
        hash $sid consistent;
{_lines(job, "        server {host}:{port};")}
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{job.port};
        location {PASSES} {{
            proxy_pass http://open;{proxying}
        }}
        location / {{
            proxy_pass http://counted;{proxying}
        }}
    }}
}}
"""


def envoy(job: Job, detection: Mapping[str, object] = MappingProxyType({})) -> str:
    """A pod's line is its own, and chosen at once. With one worker, a limit of one connection for the cluster is one
    for each pod: a pod's pool may always have its first, so no other limit than 1 can be had this way. `detection`: of
    outliers; without any, nothing is ejected."""
    cookie = {"name": "sd", "path": "/", "ttl": "1800s"}
    session = _typed(
        "filters.http.stateful_session.v3.StatefulSession",
        session_state={
            "name": "envoy.http.stateful_session.cookie",
            "typed_config": _typed("http.stateful_session.cookie.v3.CookieBasedSessionState", cookie=cookie),
        },
    )
    manager = _typed(
        "filters.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="bench",
        access_log=[
            {
                "name": "envoy.access_loggers.file",
                "typed_config": _typed("access_loggers.file.v3.FileAccessLog", path=f"{job.folder}/access.log"),
            }
        ],
        route_config={
            "virtual_hosts": [
                {"name": "all", "domains": ["*"], "routes": [_route(PASSES, "open"), _route("/", "counted")]}
            ]
        },
        http_filters=[
            {"name": "envoy.filters.http.stateful_session", "typed_config": session},
            {"name": "envoy.filters.http.router", "typed_config": _typed("filters.http.router.v3.Router")},
        ],
    )
    listener = {
        "address": _socket("127.0.0.1", job.port),
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }
    counted = _cluster(job, "counted", connections=job.limit)
    if detection:
        counted["outlier_detection"] = dict(detection)
    clusters = [_cluster(job, "open", connections=4096), counted]
    return json.dumps({"static_resources": {"listeners": [listener], "clusters": clusters}})


def _typed(name: str, **fields: object) -> object:
    return {"@type": f"type.googleapis.com/envoy.extensions.{name}", **fields}


def _route(prefix: str, cluster: str) -> object:
    return {"match": {"prefix": prefix}, "route": {"cluster": cluster, "timeout": f"{_LONG}s"}}


def _cluster(job: Job, name: str, *, connections: int) -> dict[str, object]:
    limits = {"max_connections": connections, "max_pending_requests": 100_000, "max_requests": 100_000}
    endpoints = [{"endpoint": {"address": _socket(host, port)}} for host, port in job.pods]
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "lb_policy": "LEAST_REQUEST",
        "circuit_breakers": {"thresholds": [limits]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    }


def _socket(host: str, port: int) -> object:
    return {"socket_address": {"address": host, "port_value": port}}


def caddy(job: Job) -> str:
    """Whoever finds every pod busy asks again and again, and who asks first is next. Its limit is checked before it is
    counted, so two may slip through at once."""
    pods = " ".join(f"{host}:{port}" for host, port in job.pods)
    policy = "lb_policy cookie sd bench {\n\t\t\t\tfallback least_conn\n\t\t\t\tmax_age 30m\n\t\t\t}"
    return f"""{{
	admin off
	persist_config off
	auto_https off
	grace_period 1s
	storage file_system {job.folder}/storage
}}
http://:{job.port} {{
	bind 127.0.0.1
	log {{
		output file {job.folder}/access.log
	}}
	@open {{
		method GET
		path {PASSES}*
	}}
	handle @open {{
		reverse_proxy {pods} {{
			{policy}
			flush_interval -1
		}}
	}}
	handle {{
		reverse_proxy {pods} {{
			{policy}
			unhealthy_request_count {job.limit}
			lb_try_duration {_LONG}s
			lb_try_interval 20ms
			flush_interval -1
		}}
	}}
}}
"""


def _lines(job: Job, form: str) -> str:
    def each() -> Iterator[str]:
        for number, (host, port) in enumerate(job.pods):
            yield form.format(number=number, host=host, port=port, limit=job.limit)

    return "\n".join(each())


PEERS = (
    Peer("haproxy", haproxy, lambda file: ("-db", "-f", file), "-v"),
    Peer("nginx", nginx, lambda file: ("-c", file, "-e", "stderr"), "-v", queues=False),
    Peer(
        "envoy",
        envoy,
        lambda file: ("-c", file, "--concurrency", "1", "--disable-hot-restart", "-l", "warning"),
        "--version",
    ),
    Peer("caddy", caddy, lambda file: ("run", "--adapter", "caddyfile", "--config", file), "version"),
)
