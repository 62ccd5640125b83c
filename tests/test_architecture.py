"""The tree keeps its rules. Who may import whom among our packages is import-linter's (`make check`); here is what it
does not see: what the pure packages may take from outside, and that each module has its test.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.glob("gateway/**/*.py") if path.name != "__init__.py")
CORE = [module for module in MODULES if module.is_relative_to("gateway/core")]

#: All that core may take from the standard library: it has no clock, no dice, no log, no tasks, and no way out.
PURE = frozenset(
    {
        "__future__",
        "collections",
        "dataclasses",
        "enum",
        "functools",
        "hashlib",
        "heapq",
        "ipaddress",
        "itertools",
        "math",
        "re",
        "statistics",
        "typing",
        "urllib.parse",
    }
)

#: Modules without a test of their own name, and what would fail if they were wrong.
TESTED_ELSEWHERE = {
    "gateway/proxy/session/latest.py": "tests/proxy/session/test_client_names.py",
    "gateway/proxy/tracking/overheard.py": "tests/proxy/tracking/test_stream_watch.py",
    "gateway/proxy/anteroom.py": "tests/proxy/test_endpoint.py",
    "gateway/proxy/arrivals.py": "tests/proxy/test_endpoint.py",
    "gateway/proxy/client_answer.py": "tests/proxy/test_context.py",
    "gateway/proxy/cold_start_page.py": "tests/proxy/answers/test_waiting_page.py",
    "gateway/proxy/endings.py": "tests/proxy/test_attempts.py",
    "gateway/proxy/exchange.py": "tests/proxy/test_relay.py",  # protocols
    "gateway/proxy/pod_request.py": "tests/proxy/test_turn.py",
    "gateway/proxy/pool/rules.py": "tests/wiring/test_pool_values.py",  # data
    "gateway/proxy/pool/served_pool.py": "tests/proxy/test_endpoint.py",  # data
    "gateway/proxy/request.py": "tests/proxy/test_endpoint.py",  # data
    "gateway/proxy/teller.py": "tests/proxy/test_relay.py",  # protocols
    "gateway/proxy/uploads.py": "tests/proxy/test_endpoint.py",
    "gateway/proxy/waiting.py": "tests/proxy/test_attempts.py",
    "gateway/proxy/who.py": "tests/proxy/test_endpoint.py",
    "gateway/proxy/full_log.py": "tests/proxy/test_endpoint.py",
    "gateway/core/records/lanes.py": "tests/core/test_pool.py",  # data
    "gateway/core/records/listed.py": "tests/core/test_pool.py",  # data
    "gateway/core/records/quarantine.py": "tests/core/line/test_turn_ends.py",  # data
    "gateway/core/records/counts.py": "tests/metrics/test_collector.py",  # data
    "gateway/core/policy.py": "tests/core/test_pool.py",  # data
    "gateway/core/parts.py": "tests/core/test_pool.py",  # which is made of them
    "gateway/core/backends/availability.py": "tests/core/backends/test_membership.py",
    "gateway/core/line/model_order.py": "tests/core/models/test_affinity.py",
    "gateway/__main__.py": "tests/system/test_starting.py",
    "gateway/top/app.py": "tests/pages/test_top.py",
    "gateway/top/confirm.py": "tests/pages/test_top.py",
    "gateway/demo/a1111/__main__.py": "tests/demo/a1111/test_main.py",
    "gateway/demo/a1111/page.py": "tests/demo/a1111/test_api.py",
    "gateway/demo/a1111/replies.py": "tests/demo/a1111/test_api.py",
    "gateway/demo/comfyui/__main__.py": "tests/demo/comfyui/test_main.py",
    "gateway/demo/comfyui/forms.py": "tests/demo/comfyui/test_assets.py",
    "gateway/demo/serving.py": "tests/demo/a1111/test_main.py",
    "gateway/demo/kube_api/faults.py": "tests/kubernetes/test_reflector.py",
    "gateway/demo/kube_api/watching.py": "tests/kubernetes/test_reflector.py",
    "gateway/dialogues/dialogue.py": "tests/dialogues/test_comfyui_job.py",  # protocols
    "gateway/demo/knative/objects.py": "tests/demo/knative/test_cluster.py",  # data
    "gateway/demo/knative/pod.py": "tests/demo/knative/test_cluster.py",
    "gateway/discovery/source.py": "tests/discovery/test_static.py",  # protocols
    "gateway/ops/problems.py": "tests/ops/test_admin.py",
    "gateway/wiring/serving.py": "tests/system/test_commands.py",
    "gateway/wiring/operators.py": "tests/pages/test_operators_page.py",
    "gateway/wiring/kubernetes.py": "tests/system/test_kubernetes.py",
    "gateway/wiring/knative.py": "tests/system/test_knative.py",
    "gateway/wiring/pools.py": "tests/wiring/test_reload.py",
    "gateway/wiring/scaling.py": "tests/system/test_from_zero.py",
    "gateway/wiring/pool.py": "tests/wiring/test_reload.py",
    "gateway/probing/control_client.py": "tests/probing/test_probes.py",
    "gateway/processes/process.py": "tests/processes/test_launcher.py",  # which makes them
    "gateway/runtime/deadline_timer.py": "tests/runtime/test_driver.py",
    "gateway/settings/secret_source.py": "tests/settings/test_signing_keys.py",
    "gateway/scaling/target.py": "tests/scaling/test_local.py",  # a protocol
}


@cache
def tree_of(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text())


def imports_of(module: Path) -> Iterator[str]:
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            assert node.level == 0, "a relative import"
            yield node.module


def is_within(name: str, packages: frozenset[str]) -> bool:
    parts = name.split(".")
    return any(".".join(parts[:length]) in packages for length in range(1, len(parts) + 1))


@pytest.mark.parametrize("module", CORE, ids=str)
def test_core_knows_itself_and_the_pure_part_of_the_standard_library(module: Path) -> None:
    assert [name for name in imports_of(module) if not is_within(name, PURE | {"gateway.core"})] == []


@pytest.mark.parametrize("module", CORE, ids=str)
def test_core_waits_for_nothing_and_prints_nothing(module: Path) -> None:
    waits = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    for node in ast.walk(tree_of(module)):
        assert not isinstance(node, waits), f"line {node.lineno}"
        assert not (isinstance(node, ast.Name) and node.id in ("print", "open", "input")), f"line {node.lineno}"


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("gateway/simulation", {"gateway.core", "gateway.simulation"}),
        ("gateway/runtime", {"gateway.core", "gateway.runtime", "anyio", "structlog"}),
    ],
)
def test_the_two_that_drive_it_know_little_else(package: str, allowed: set[str]) -> None:
    for module in (module for module in MODULES if module.is_relative_to(package)):
        others = {name for name in imports_of(module) if name.partition(".")[0] not in sys.stdlib_module_names}
        assert {name for name in others if not is_within(name, frozenset(allowed))} == set(), module


def test_packages_export_nothing() -> None:
    """A name has one address: where it is defined."""
    assert [path for path in ROOT.glob("gateway/**/__init__.py") if path.read_text().strip()] == []


def test_each_module_has_its_test() -> None:
    missing = [str(module) for module in MODULES if not its_test(module).exists()]
    assert sorted(set(missing) - TESTED_ELSEWHERE.keys()) == []


def test_what_is_tested_elsewhere_has_no_test_here_and_has_one_there() -> None:
    assert [module for module in TESTED_ELSEWHERE if Path(module) not in MODULES] == []
    assert [module for module in TESTED_ELSEWHERE if its_test(Path(module)).exists()] == []
    assert [there for there in TESTED_ELSEWHERE.values() if not (ROOT / there).exists()] == []


def its_test(module: Path) -> Path:
    package = module.relative_to("gateway").parent
    return ROOT / "tests" / package / f"test_{module.name}"


NAMES = frozenset(".".join(module.with_suffix("").parts) for module in MODULES)


def modules_imported_by(module: Path) -> Iterator[str]:
    """Ours, those imported for types alone included."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in NAMES)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            named = {f"{node.module}.{alias.name}" for alias in node.names} & NAMES
            yield from named or {node.module} & NAMES


def arrows_between_siblings() -> dict[str, set[str]]:
    """Who imports whom, at each level: of two modules, the two ancestors (or selves) that lie in one package."""
    arrows: dict[str, set[str]] = {}
    for module in MODULES:
        name = ".".join(module.with_suffix("").parts)
        for other in modules_imported_by(module):
            ours, theirs = name.split("."), other.split(".")
            level = next((at for at, pair in enumerate(zip(ours, theirs, strict=False)) if pair[0] != pair[1]), None)
            if level is not None:
                arrows.setdefault(".".join(ours[: level + 1]), set()).add(".".join(theirs[: level + 1]))
    return arrows


def rings_in(arrows: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected parts with more than one member: each reaches each."""
    below = {name: reached_from(name, arrows) for name in arrows}
    rings = {frozenset(other for other in below[name] if name in below.get(other, ())) for name in arrows}
    return sorted(sorted(ring) for ring in rings if len(ring) > 1)


def reached_from(name: str, arrows: dict[str, set[str]]) -> set[str]:
    reached, ahead = set[str](), [name]
    while ahead:
        for other in arrows.get(ahead.pop(), set()) - reached:
            reached.add(other)
            ahead.append(other)
    return reached


def test_no_two_files_and_no_two_packages_import_each_other() -> None:
    """Directly or in a ring, not for types either: what both need is a third thing below both."""
    between_files = {".".join(module.with_suffix("").parts): set(modules_imported_by(module)) for module in MODULES}
    found = rings_in(between_files) + rings_in(arrows_between_siblings())
    assert found == []


def test_a_ring_is_seen() -> None:
    assert rings_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [["a", "b", "c"]]
