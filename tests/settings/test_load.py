"""The configuration file, as its readers and its writers see it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.core.policy import Balancing
from gateway.core.records.lanes import Lane, WhenBusy
from gateway.settings.load import SettingsError, admin_token, json_schema, load, signing_keys
from gateway.settings.model import Settings

CONFIG = Path(__file__).parents[2] / "config"
LEAST = "pools: {sd: {backends: {static: [a:1]}}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def problems(file: Path, text: str, **environ: str) -> list[str]:
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load(file, environ)
    assert str(caught.value) == "\n".join(str(problem) for problem in caught.value.problems)
    return [str(problem).removeprefix(str(file.parent) + "/") for problem in caught.value.problems]


@pytest.mark.parametrize("path", sorted(CONFIG.glob("*.yaml")), ids=lambda path: path.name)
def test_the_configurations_that_come_with_it_load(path: Path) -> None:
    assert path.read_text().startswith("# ")
    assert load(path, {}).pools


def test_the_configuration_to_try_out() -> None:
    settings = load(CONFIG / "local.yaml", {})
    pool = settings.pools["stable-diffusion"]
    assert (settings.listen.host, settings.ops.host) == (("127.0.0.1",), ("127.0.0.1",))
    assert pool.expose_backend
    assert pool.autoscaling.min_scale == 0
    assert pool.backends.processes is not None
    assert pool.backends.processes.max == pool.autoscaling.max_scale == 10


def test_defaults(file: Path) -> None:
    file.write_text(LEAST)
    settings = load(file, {})
    pool = settings.pools["sd"]
    assert (settings.listen.port, settings.ops.host, settings.listen.health_path) == (
        8080,
        ("127.0.0.1",),
        "/.gateway/healthz",
    )
    assert (pool.profile, pool.concurrency, pool.hosts, pool.rules) == ("generic", 1, (), ())
    assert (pool.affinity.cookie, pool.affinity.ttl, pool.affinity.when_busy) == ("sd", 1800, WhenBusy.WAIT)
    assert (pool.queue.limit, pool.queue.bytes, pool.queue.timeout) == (1000, 1 << 30, 300)
    assert (pool.max_body, pool.response_spool) == (100 << 20, 64 << 20)
    assert (pool.timeouts.connect, pool.timeouts.total, pool.drain_timeout) == (2, 900, None)
    assert pool.balancing is Balancing.FEWEST_SESSIONS
    assert signing_keys(settings, {}) == []


def test_values_are_read_as_people_write_them(file: Path) -> None:
    file.write_text(
        """\
listen: {port: "${PORT:-8081}"}
trusted_proxies: [10.0.0.0/8]
pools:
  sd:
    hosts: [SD.Example.com.]
    concurrency: ${CONCURRENCY}
    backends: {processes: {command: [x, "{port}", 1], gpus: [0, GPU-1], env: {A: 1}}}
    queue: {bytes: 2GiB, timeout: 5m}
    drain_timeout: null
    autoscaling: {window: 30s, class: kpa.autoscaling.knative.dev}
    rules: [{match: "GET,POST /foo/*", lane: exempt, when_busy: spill}]
    allowed_origins: ["https://UI.example:443"]
"""
    )
    settings = load(file, {"CONCURRENCY": "0"})
    pool = settings.pools["sd"]
    assert settings.listen.port == 8081
    assert str(settings.trusted_proxies[0]) == "10.0.0.0/8"
    assert (pool.hosts, pool.concurrency) == (("sd.example.com",), 0)
    assert (pool.queue.bytes, pool.queue.timeout, pool.autoscaling.window) == (2 << 30, 300, 30)
    assert pool.backends.processes is not None
    assert pool.backends.processes.command == ("x", "{port}", "1")
    assert pool.backends.processes.gpus == ("0", "GPU-1")
    assert pool.backends.processes.env == {"A": "1"}
    assert pool.allowed_origins == ("https://ui.example",)
    assert (pool.rules[0].lane, pool.rules[0].when_busy) == (Lane.EXEMPT, WhenBusy.SPILL)


def test_settings_do_not_change() -> None:
    settings = Settings.model_validate({"pools": {}})
    with pytest.raises(ValidationError, match="frozen"):
        settings.listen.port = 1


def test_everything_wrong_is_told_at_once_in_the_order_of_the_file(file: Path) -> None:
    text = """\
listen: {prot: 8080}
ops: {port: "${OPS}"}
pools:
  sd:
    hosts: [a.example.com:80]
    profile: a111
    backends:
      static: [https://a]
    queue: {limt: 5, timeout: soon}
    autoscaling: {min_scale: 3, max_scale: 2, panic_threshold_percentage: 100}
    rules: [{match: GET foo, lane: exmpt}]
    on_client_gone: interrupt
  later:
    backends: {knative: {service: sd}}
    scaling: {kubernetes: {deployment: SD}}
"""
    assert problems(file, text) == [
        'config.yaml:1:10 listen.prot: found "prot", expected one of host, port, health_path, proxy_protocol, '
        'keep_alive, max_connections, max_connections_per_address (did you mean "port"?)',
        'config.yaml:2:13 ops.port: found "${OPS}" (from $OPS), expected OPS in the environment, where it is not set '
        "(or a default: ${OPS:-...})",
        'config.yaml:5:13 pools.sd.hosts[0]: found "a.example.com:80", expected a host name or address without port, '
        "path or wildcard",
        'config.yaml:6:14 pools.sd.profile: found "a111", expected one of generic, a1111, forge, sdnext, '
        'comfyui, gradio, gradio3, or package.module:function (did you mean "a1111"?)',
        'config.yaml:8:16 pools.sd.backends.static[0]: found "https://a", expected an address such as '
        '"http://127.0.0.1:7860" (plain http, no path)',
        'config.yaml:9:13 pools.sd.queue.limt: found "limt", expected one of limit, bytes, client_share, timeout '
        '(did you mean "limit"?)',
        'config.yaml:9:31 pools.sd.queue.timeout: found "soon", expected seconds (a number, or text such as "30s" or '
        '"5m"), at least 0',
        "config.yaml:10:30 pools.sd.autoscaling.min_scale: found 3, expected at most autoscaling.max_scale",
        "config.yaml:10:75 pools.sd.autoscaling.panic_threshold_percentage: found 100, expected a number, "
        "from 110 to 1000",
        'config.yaml:11:21 pools.sd.rules[0].match: found "GET foo", expected a decoded path that begins with / and '
        "has no query, escape, dot segment or empty segment",
        'config.yaml:11:36 pools.sd.rules[0].lane: found "exmpt", expected one of counted, exempt, passive, denied '
        '(did you mean "exempt"?)',
        "config.yaml:14:16 pools.later.backends.knative.namespace: found nothing, expected text",
        'config.yaml:15:40 pools.later.scaling.kubernetes.deployment: found "SD", expected a name of small letters, '
        "digits and - (at most 63)",
    ]


def test_what_does_not_fit_together_is_told_where_it_could_be_changed(file: Path) -> None:
    text = """\
pools:
  one: {backends: {static: [a:1]}}
  two:
    backends: {static: [b:1], dns: {name: b, port: 1}}
    affinity: {cookie: sd}
"""
    assert problems(file, text) == [
        "config.yaml:3:3 pools.two.hosts: found the default, expected a host and path_prefix that pools.one does not "
        "claim, too",
        "config.yaml:4:15 pools.two.backends: found static and dns, expected exactly one of static, dns, processes, "
        "kubernetes, knative",
        'config.yaml:5:24 pools.two.affinity.cookie: found "sd", expected another cookie than that of pools.one, '
        "which shares a host with it",
    ]


def test_a_prefix_is_no_pattern(file: Path) -> None:
    assert problems(file, "pools: {a: {backends: {static: [a:1]}, path_prefix: [/a/*]}}") == [
        'config.yaml:1:54 pools.a.path_prefix[0]: found "/a/*", expected a decoded path that begins with "/", without '
        "query or wildcard"
    ]


def test_no_pools(file: Path) -> None:
    assert problems(file, "") == ["config.yaml pools: found nothing, expected a mapping"]
    assert problems(file, "pools: {}") == ["config.yaml:1:8 pools: found a mapping, expected at least one pool"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^.*/none.yaml: found no way to read it \(No such file or directory\)"):
        load(tmp_path / "none.yaml", {})


def test_no_secret_is_shown(file: Path, tmp_path: Path) -> None:
    text = f"""\
listen: {{port: "${{HUSH}}"}}
session: {{keys_file: [hush], keys_env: hush hush}}
log: {{level: "${{HUSH}}", format: "a${{HUSH}}"}}
{LEAST[:-1]}
"""
    told = problems(file, text, HUSH="hush")
    assert len(told) == 5
    assert "hush" not in "".join(told)
    (probe,) = problems(file, LEAST.replace("}}}", "}, probe: {headers: {Authorization: hush\u00fc}}}}"))
    assert "probe.headers.Authorization: found a value that is not shown, expected a header's value" in probe
    keys = tmp_path / "keys"
    keys.write_text("hush")
    assert "hush" not in "".join(problems(file, f"ops: {{token_file: [hush], token_env: hush hush}}\n{LEAST}"))
    assert problems(file, f"ops: {{token_file: {keys}}}\n{LEAST}") == [
        "config.yaml:1:19 ops.token_file: found one of 4, expected a token of at least 32 characters"
    ]
    assert problems(file, f"session: {{keys_file: {keys}}}\n{LEAST}") == [
        "config.yaml:1:22 session.keys_file: found one of 4 on line 1, expected keys of at least 32 characters"
    ]


def test_keys_are_read_anew_each_time(file: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text("n" * 32)
    file.write_text(f"session: {{keys_file: {keys}}}\n{LEAST}")
    settings = load(file, {})
    assert signing_keys(settings, {}) == ["n" * 32]
    keys.write_text("hush")
    with pytest.raises(
        SettingsError, match=r"^configuration session.keys_file: found one of 4 on line 1, expected keys"
    ):
        signing_keys(settings, {})


def test_the_operators_token_is_read_like_the_keys(file: Path, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("t" * 32)
    file.write_text(f"ops: {{token_file: {token}}}\n{LEAST}")
    settings = load(file, {})
    assert admin_token(settings, {}) == "t" * 32
    token.write_text("hush")
    with pytest.raises(SettingsError, match=r"^configuration ops.token_file: found one of 4"):
        admin_token(settings, {})


def test_the_schema_is_that_of_the_file() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert list(schema["properties"]) == list(Settings.model_fields)
    pool = schema["$defs"]["PoolSettings"]
    assert pool["additionalProperties"] is False
    assert pool["required"] == ["backends"]
    assert pool["properties"]["hosts"]["description"].startswith("Hosts that lead to this pool, without port.")
    assert schema["$defs"]["BackendsSettings"]["properties"].keys() >= {"static", "kubernetes", "knative"}
    assert "class" in schema["$defs"]["AutoscalingSettings"]["properties"]
