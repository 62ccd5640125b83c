"""Settings that are each right and together wrong."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.settings.checks import Finding, check
from gateway.settings.file import dotted
from gateway.settings.model import Settings

STATIC = {"static": ["a:1"]}
PROCESSES = {"processes": {"command": ["x", "{port}"]}}


def findings(**keys: Any) -> list[str]:
    return [f"{dotted(found.at)}: {found.expected}" for found in check(Settings.model_validate(keys))]


def of_a_pool(**keys: Any) -> list[str]:
    return [line.removeprefix("pools.p.") for line in findings(pools={"p": {"backends": STATIC} | keys})]


def of_processes(pool: dict[str, Any] | None = None, **keys: Any) -> list[str]:
    processes = {"processes": PROCESSES["processes"] | keys}
    return [line.removeprefix("backends.processes.") for line in of_a_pool(backends=processes, **(pool or {}))]


def of_two(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    pools = {"a": {"backends": STATIC} | one, "b": {"backends": {"static": ["b:1"]}} | other}
    return findings(pools=pools)


def test_what_fits_has_no_findings() -> None:
    assert findings(pools={"p": {"backends": STATIC}}) == []
    assert findings(pools={"p": {"backends": PROCESSES}}) == []


def test_at_least_one_pool() -> None:
    assert findings(pools={}) == ["pools: at least one pool"]


def test_whose_proxy_headers_count() -> None:
    told = {"pools": {"p": {"backends": STATIC}}, "listen": {"proxy_protocol": True}}
    assert findings(**told) == ["listen.proxy_protocol: trusted_proxies: the PROXY headers of nobody else count"]
    assert findings(**told, trusted_proxies=["10.0.0.0/8"]) == []


def test_two_ports() -> None:
    pools = {"p": {"backends": STATIC}}
    expected = ["ops.port: another port than listen.port"]
    assert findings(pools=pools, listen={"port": 9090}) == expected
    assert findings(pools=pools, listen={"port": 1, "host": "127.0.0.1"}, ops={"port": 1, "host": "10.0.0.1"}) == []
    assert findings(pools=pools, listen={"port": 0}, ops={"port": 0}) == []
    ops = {"port": 1, "host": "127.0.0.1"}
    assert findings(pools=pools, listen={"port": 1, "host": ["10.0.0.1", "127.0.0.1"]}, ops=ops) == expected
    assert findings(pools=pools, listen={"port": 1, "host": ["10.0.0.1", "::1"]}, ops=ops) == []
    assert findings(pools=pools, listen={"port": 1, "host": "::"}, ops=ops) == expected


def test_exactly_one_kind_of_backends() -> None:
    expected = ["backends: exactly one of static, dns, processes, kubernetes, knative"]
    knative = {"knative": {"namespace": "default", "service": "sd"}}
    for backends in ({}, STATIC | PROCESSES, STATIC | {"dns": {"name": "a", "port": 1}}, STATIC | knative):
        assert of_a_pool(backends=backends) == expected, backends
    assert of_a_pool(backends=knative) == []
    assert of_a_pool(backends={"static": []}) == ["backends.static: at least one address"]


def test_a_backend_listed_twice_would_work_on_two_at_once() -> None:
    twice = ["a:80", "http://A"]
    assert of_a_pool(backends={"static": twice}) == [
        "backends.static[1]: each backend once: a second entry would be given work of its own"
    ]
    shared = {"backends": STATIC}
    assert of_two({"hosts": ["x"]}, {"hosts": ["y"]} | shared) == [
        "pools.b.backends.static[0]: a backend that pools.a does not have: each pool would give it work of its own"
    ]
    assert of_two({"hosts": ["x"], "concurrency": 0}, {"hosts": ["y"], "concurrency": 0} | shared) == []


def test_processes() -> None:
    port = "command: {port} in it, or in env: each process is given a port of its own"
    assert of_processes(command=["x"]) == [port]
    assert of_processes(command=[]) == [port]
    assert of_processes(command=["x"], env={"PORT": "{port}"}) == []
    assert of_processes(command=["{port}", "{gpu}"]) == ["gpus: at least one GPU: {gpu} is used"]
    [line] = of_processes(command=["{port}", "{prot}"])
    assert line == "command: of words in braces only {gpu}, {host}, {port}, {python}"
    assert of_processes(gpus=[]) == ["gpus: at least one GPU"]
    assert of_processes(gpus=[0, "0"]) == ["gpus: each GPU once: one process each"]
    assert of_processes(gpus=[0, 1], max=3) == ["max: at most as many as gpus: one process each"]


def test_scale() -> None:
    assert of_a_pool(autoscaling={"min_scale": 3, "max_scale": 2}) == [
        "autoscaling.min_scale: at most autoscaling.max_scale"
    ]
    assert of_a_pool(autoscaling={"min_scale": 3, "max_scale": 0}) == []
    assert of_a_pool(autoscaling={"min_scale": 3, "activation_scale": 2}) == [
        "autoscaling.activation_scale: at least min_scale"
    ]
    assert of_a_pool(autoscaling={"activation_scale": 3, "max_scale": 2}) == [
        "autoscaling.activation_scale: at most autoscaling.max_scale"
    ]
    assert of_processes({"autoscaling": {"min_scale": 3}}, gpus=[0, 1], max=2) == [
        "autoscaling.min_scale: at most backends.processes.max",
        "autoscaling.min_scale: at most backends.processes.gpus",
    ]
    assert of_processes({"autoscaling": {"max_scale": 0}}) == [
        "autoscaling.max_scale: a bound, here or as processes.max or processes.gpus"
    ]
    assert of_processes({"autoscaling": {"max_scale": 0}}, max=1) == []
    assert of_processes({"autoscaling": {"metric": "rps"}}) == [
        "autoscaling.metric: concurrency: in this version processes are scaled by nothing else"
    ]


def test_a_pools_own() -> None:
    assert of_a_pool(max_body="2GiB") == ["max_body: at most queue.bytes, which is what bodies are held in"]
    assert of_a_pool(on_client_gone="interrupt") == [
        "on_client_gone: finish or close: profile generic knows no interrupt"
    ]
    assert of_a_pool(on_client_gone="interrupt", profile="a1111") == []
    assert of_a_pool(affinity={"model_switch_cost": 5}) == [
        "affinity.model_switch_cost: 0: profile generic knows no models"
    ]
    assert of_a_pool(affinity={"model_switch_cost": 0}) == of_a_pool(affinity={"ttl": 60}) == []
    assert of_a_pool(affinity={"model_switch_cost": 5}, profile="comfyui") == []
    assert of_a_pool(strip_prefix=True) == ["strip_prefix: a path_prefix that is taken off"]
    assert of_a_pool(readiness={"tcp": True, "http": "/"}) == ["readiness: one of tcp and http"]


CLAIM = "pools.b.hosts: a host and path_prefix that pools.a does not claim, too"
COOKIE = "pools.b.affinity.cookie: another cookie than that of pools.a, which shares a host with it"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ({}, {}, [CLAIM, COOKIE]),
        ({"hosts": ["x", "y"]}, {"hosts": ["Y."]}, [CLAIM, COOKIE]),
        ({"hosts": ["x"]}, {"hosts": ["y"]}, []),
        ({"hosts": ["x"]}, {}, []),
        ({"hosts": ["x"], "path_prefix": ["/a"]}, {}, [COOKIE]),
        ({}, {"hosts": ["x"], "path_prefix": ["/a"]}, [COOKIE]),
        ({"hosts": ["x"], "path_prefix": ["/a"]}, {"hosts": ["x"], "path_prefix": ["/a/"]}, [CLAIM, COOKIE]),
        ({"hosts": ["x"], "path_prefix": ["/a"]}, {"hosts": ["x"], "affinity": {"cookie": "other"}}, []),
        ({"path_prefix": ["/"]}, {"affinity": {"cookie": "other"}}, [CLAIM]),
    ],
)
def test_two_pools_of_one_host(one: dict[str, Any], other: dict[str, Any], expected: list[str]) -> None:
    assert of_two(one, other) == expected


def test_a_finding_may_rest_on_what_is_wrong_itself() -> None:
    finding = Finding(("a", "b"), "y", against=(("c",),))
    assert finding.is_within([("a", "b", 0)])
    assert finding.is_within([("c", "d")])
    assert not finding.is_within([("a", "c"), ("e",)])


@pytest.mark.parametrize(
    ("profile", "match", "lane", "expected"),
    [
        (
            "comfyui",
            "POST /prompt",
            "exempt",
            "counted or denied: profile comfyui follows jobs or files by POST /prompt",
        ),
        ("comfyui", "* /api/prompt", "passive", "counted or denied"),
        ("comfyui", "POST /interrupt", "counted", "passive or denied"),
        ("gradio", "GET /queue/data", "exempt", "passive or denied"),
        ("a1111", "POST /sdapi/v1/skip", "counted", "passive or denied"),
        ("a1111", "GET /queue/join", "exempt", "counted or denied"),
    ],
)
def test_a_rule_that_would_lose_sight_of_jobs(profile: str, match: str, lane: str, expected: str) -> None:
    [found] = of_a_pool(profile=profile, rules=[{"match": match, "lane": lane}])
    assert found.startswith(f"rules[0].lane: {expected}")


@pytest.mark.parametrize(
    ("profile", "match", "lane"),
    [
        ("comfyui", "POST /prompt", "counted"),
        ("comfyui", "POST /prompt", "denied"),
        ("comfyui", "POST /easyuse/*", "exempt"),
        ("gradio", "POST /run/*", "exempt"),
        ("generic", "* /*", "exempt"),
    ],
)
def test_a_rule_that_keeps_sight_of_jobs(profile: str, match: str, lane: str) -> None:
    assert of_a_pool(profile=profile, rules=[{"match": match, "lane": lane}]) == []
