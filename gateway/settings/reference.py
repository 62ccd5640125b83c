"""Makes the reference of the configuration file, a Markdown page, from the types in `model.py` and
their docstrings.

`config/README.md` is what this prints (`gateway schema --markdown`), and a test says that it is
current.
"""

from __future__ import annotations

import enum
import inspect
import types
from typing import TYPE_CHECKING, Any, Literal, Union, cast, get_args, get_origin

from pydantic import BaseModel, PlainValidator
from pydantic_core import PydanticUndefined

from gateway.settings.model import Section, Settings
from gateway.settings.types import Number, Spelled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pydantic.fields import FieldInfo

#: A value of each key that has no default of its own to be one, as it would stand in the file.
EXAMPLES = {
    "listen.max_connections": "2000",
    "listen.max_connections_per_address": "500",
    "ops.hosts": "[gateway-operators.default.svc]",
    "ops.token_file": "/run/secrets/operators-token",
    "ops.token_env": "OPERATORS_TOKEN",
    "session.keys_file": "/run/secrets/session-keys",
    "clients.keys_file": "/run/secrets/client-keys",
    "clients.max_waiting": "20",
    "clients.max_in_flight": "2",
    "clients.max_waiting_of": "{alice: 50}",
    "clients.max_in_flight_of": "{alice: 4}",
    "session.keys_env": "SESSION_KEYS",
    "kubernetes.kubeconfig": "kube/staging.yaml",
    "kubernetes.context": "staging",
    "tracing.endpoint": "http://127.0.0.1:4318",
    "trusted_proxies": "[10.0.0.0/8]",
    "pools.NAME.hosts": "[sd.example.com]",
    "pools.NAME.path_prefix": "[/sd]",
    "pools.NAME.profile_root": "/app",
    "pools.NAME.backends.static": '["http://127.0.0.1:7860"]',
    "pools.NAME.backends.dns.name": "sd.default.svc",
    "pools.NAME.backends.dns.port": "7860",
    "pools.NAME.backends.processes.command": '[python3, launch.py, --api, --port, "{port}"]',
    "pools.NAME.backends.processes.env": "{HF_HUB_OFFLINE: 1}",
    "pools.NAME.backends.processes.gpus": "[0, 1]",
    "pools.NAME.backends.processes.max": "2",
    "pools.NAME.backends.kubernetes.namespace": "default",
    "pools.NAME.backends.kubernetes.service": "sd",
    "pools.NAME.backends.kubernetes.port": "http",
    "pools.NAME.backends.knative.namespace": "default",
    "pools.NAME.backends.knative.service": "stable-diffusion",
    "pools.NAME.affinity.header": "X-Session-Key",
    "pools.NAME.affinity.move_when_busy": "10",
    "pools.NAME.drain_timeout": "120",
    "pools.NAME.quarantine.max": "600",
    "pools.NAME.readiness.settle": "5",
    "pools.NAME.probe.headers": '{Authorization: "Basic ${SD_LOGIN}"}',
    "pools.NAME.readiness.http": "/healthz",
    "pools.NAME.autoscaling.activation_scale": "2",
    "pools.NAME.autoscaling.target": "1",
    "pools.NAME.scaling.kubernetes.deployment": "sd",
    "pools.NAME.rules.match": '"GET /foo/*"',
    "pools.NAME.rules.lane": "exempt",
    "pools.NAME.rules.when_busy": "spill",
    "pools.NAME.allowed_origins": '["https://ui.example.com", "capacitor://localhost"]',
}

_HEAD = """\
# The configuration

`gateway serve --config FILE` reads it; `gateway check FILE` says all that is wrong with it at once, and what may not be
meant; `gateway schema` prints its JSON Schema for editors. An unknown key is an error, with a suggestion. `${NAME}` and
`${NAME:-default}` are expanded in any value. SIGHUP reads the file again: pools and limits change without dropping a
request, and a file that cannot be used changes nothing.

| file | whose it is |
|---|---|
| [`a1111.yaml`](a1111.yaml) | AUTOMATIC1111 and GPUs on this machine |
| [`comfyui.yaml`](comfyui.yaml) | ComfyUI and GPUs on this machine |
| [`gradio.yaml`](gradio.yaml) | a Gradio application, two copies of it |
| [`static.yaml`](static.yaml) | pods that run already |
| [`dns.yaml`](dns.yaml) | a headless service |
| [`knative.yaml`](knative.yaml) | a Service of Knative's |
| [`local.yaml`](local.yaml) | `make run`: stand-ins on this machine |
| [`knative-demo.yaml`](knative-demo.yaml) | `make run-knative-demo` |

This page is made from the types of the configuration (`gateway schema --markdown`). Durations are seconds, or text such
as `30s`, `5m`, `1m30s`, `250ms`; sizes are bytes, or text such as `64KiB`, `1GiB`. A default of "-" means that the key
can be left out.

Words: a *backend* is one server, a pod or a process; it has *slots*, of which each takes one request at a time. What
finds no free slot waits in the pool's *line*. A *session* is a returning visitor, and its *home* the backend that it
returns to. A slot is *quarantined* while its backend may still work for a request that is over. A request's *lane* says
what it costs: only *counted* ones take a slot. To be *cold* is to have no backend that is ready.

## The whole configuration, with its defaults
"""


def markdown() -> str:
    """The text of `config/README.md`."""
    parts = [_HEAD, f"```yaml\n{whole()}```\n"]
    for path, section in sections():
        heading = f"## `{path}`" if path else "## At the top"
        parts.append(f"{heading}\n\n{_prose(inspect.getdoc(section) or '')}\n\n{_table(path, section)}\n")
    return "\n".join(parts).rstrip() + "\n"


def sections() -> Iterator[tuple[str, type[Section]]]:
    """Each mapping of the file, by its path, in the order of the file."""
    yield from _sections("", Settings)


def keys() -> Iterator[tuple[str, FieldInfo]]:
    """Each key that is no section, by its whole path."""
    for path, section in sections():
        for name, field in section.model_fields.items():
            if section_in(field.annotation) is None:
                yield _join(path, field.alias or name), field


def whole() -> str:
    """A file with each key at its default; keys without one are comments, with an example."""
    return "\n".join(_lines(Settings, "", 0)) + "\n"


def _sections(path: str, section: type[Section]) -> Iterator[tuple[str, type[Section]]]:
    yield path, section
    for name, field in section.model_fields.items():
        inner = section_in(field.annotation)
        if inner is not None:
            yield from _sections(_join(path, "pools.NAME" if name == "pools" else name), inner)


def _lines(section: type[Section], path: str, depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name, field in section.model_fields.items():
        key, inner = field.alias or name, section_in(field.annotation)
        at = _join(path, key)
        if name == "pools":
            yield f"{indent}pools:"
            yield f"{indent}  stable-diffusion:"
            yield from _lines(Settings if inner is None else inner, "pools.NAME", depth + 2)
        elif name == "backends" and inner is not None:
            yield f"{indent}backends:  # exactly one of these"
            yield f"{indent}  static: {EXAMPLES['pools.NAME.backends.static']}"
            for kind, its in inner.model_fields.items():
                if (its_section := section_in(its.annotation)) is not None:
                    yield f"{indent}  # {kind}: {_inline(its_section, f'{at}.{kind}')}"
        elif inner is not None and name == "rules":
            yield f"{indent}rules: []  # {_inline(inner, at)}"
        elif inner is not None and field.default is None:
            yield f"{indent}# {key}: {_inline(inner, at)}"
        elif inner is not None:
            filled = list(_lines(inner, at, depth + 1))
            if all(each.lstrip().startswith("#") for each in filled):
                yield f"{indent}# {key}:"
                yield from (f"{indent}#   {each.strip().removeprefix('# ')}" for each in filled)
            else:
                yield f"{indent}{key}:"
                yield from filled
        elif field.default == ():
            yield f"{indent}{key}: []  # {EXAMPLES[at]}"
        elif field.default in (None, PydanticUndefined, {}):
            yield f"{indent}# {key}: {EXAMPLES[at]}"
        else:
            yield f"{indent}{key}: {_shown(field)}"


def _inline(section: type[Section], path: str) -> str:
    """A section on one line: what it must have, with examples."""
    needed = [name for name, field in section.model_fields.items() if field.is_required() or field.default is None]
    shown = [f"{name}: {EXAMPLES[_join(path, name)]}" for name in needed if section.model_fields[name].is_required()]
    return "{" + ", ".join(shown) + "}"


def _table(path: str, section: type[Section]) -> str:
    rows = ["| key | value | default | what it does |", "|---|---|---|---|"]
    for name, field in section.model_fields.items():
        key, inner = field.alias or name, section_in(field.annotation)
        at = _join(path, key)
        if inner is not None:
            where = f"below: `{_join(path, 'pools.NAME' if name == 'pools' else name)}`"
            needed = "needed" if field.is_required() else "-"
            rows.append(f"| `{key}` | {where} | {needed} | {_prose(field.description or '')} |")
            continue
        example = f" Example: `{EXAMPLES[at]}`." if at in EXAMPLES else ""
        default = "needed" if field.is_required() else "-" if field.default in (None, (), {}) else f"`{_shown(field)}`"
        rows.append(f"| `{key}` | {_prose(_kind(field))} | {default} | {_prose(field.description or '')}{example} |")
    return "\n".join(rows)


def _kind(field: FieldInfo) -> str:
    return _expected(field.metadata) or _kind_of(field.annotation)


def _kind_of(annotation: Any) -> str:
    origin, args = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__metadata__"):
        return _expected(annotation.__metadata__) or _kind_of(annotation.__origin__)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind_of(each) for each in args if each is not type(None))
    if origin is tuple:
        return f"a list, each {_kind_of(args[0])}"
    if origin is dict:
        return f"a mapping of {_kind_of(args[0])} to {_kind_of(args[1])}"
    if origin is Literal:
        return "one of " + ", ".join(f"`{each}`" for each in args)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return "one of " + ", ".join(f"`{each.value}`" for each in annotation)
    return {bool: "`true` or `false`", str: "text"}.get(annotation, "a path")


def _expected(metadata: Iterable[Any]) -> str | None:
    """What the annotations of a value say that they expect. They say it when they are shown something else."""
    for each in metadata:
        if isinstance(each, Number | Spelled):
            return each.expected
        if isinstance(each, PlainValidator):
            try:
                cast("Callable[[object], object]", each.func)(object())
            except ValueError as error:
                return str(error)
    return None


def _shown(field: FieldInfo) -> str:
    """A default, as it would stand in the file."""
    value = field.default
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return ", ".join(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, int) and value >= 1 << 20 and value % (1 << 20) == 0:
        return f"{value >> 30}GiB" if value % (1 << 30) == 0 else f"{value >> 20}MiB"
    return str(value)


def section_in(annotation: Any) -> type[Section] | None:
    """The section that a key leads to: itself, one of several, or optional."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation if issubclass(annotation, Section) else None
    return next((inner for each in get_args(annotation) if (inner := section_in(each)) is not None), None)


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _prose(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
