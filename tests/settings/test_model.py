"""Each key of the configuration reaches somebody: one that is declared, and then forgotten, does nothing."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.core.scaling.local import Autoscaling
from gateway.knative.autoscaling import RevisionAutoscaling
from gateway.settings.model import Settings
from gateway.settings.reference import section_in, sections

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.settings.model import Section

ROOT = Path(__file__).parents[2]

#: Who makes parts of the settings: the wiring, the commands, and the readers of secrets.
READERS = [
    *sorted((ROOT / "gateway/wiring").glob("*.py")),
    ROOT / "gateway/cli.py",
    ROOT / "gateway/settings/signing_keys.py",
    ROOT / "gateway/settings/admin_token.py",
]

READ_BY_NOBODY = {"AutoscalingSettings.class_"}  # it has one value: annotations can be taken over as they are

SECTIONS = {section.__name__: section for _, section in sections()}
KEYS = [f"{name}.{key}" for name, section in SECTIONS.items() for key in section.model_fields]


class Reading(ast.NodeVisitor):
    """The keys that a module reads, each with the section that it is a key of. What a name stands for is seen where it
    is annotated, assigned or gone through."""

    def __init__(self, module: ast.Module) -> None:
        self.read = set[str]()
        self._names: dict[str, frozenset[type[Section]]] = {}
        functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
        self._returned = {each.name: _annotated(each.returns) for each in functions}
        self.visit(module)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        for each in (*node.args.args, *node.args.kwonlyargs):
            self._names[each.arg] = _annotated(each.annotation)
        self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for name, value in zip(names, values, strict=False):
                self._names[ast.unparse(name)] = self._sections(value)
        self.generic_visit(node)

    def visit_For(self, node: ast.For | ast.comprehension) -> None:
        """`for name, pool in settings.pools.items()`, `for each in pool.rules`."""
        through = node.iter.func if isinstance(node.iter, ast.Call) else node.iter
        held = through.value if through is not node.iter and isinstance(through, ast.Attribute) else node.iter
        last = node.target.elts[-1] if isinstance(node.target, ast.Tuple) else node.target
        self._names[ast.unparse(last)] = self._sections(held)
        self.generic_visit(node)

    visit_comprehension = visit_For

    def generic_visit(self, node: ast.AST) -> None:
        """What a comprehension goes through is known before its element is looked at."""
        for each in getattr(node, "generators", ()):
            self.visit_comprehension(each)
        super().generic_visit(node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.read |= {
            f"{section.__name__}.{node.attr}"
            for section in self._sections(node.value)
            if node.attr in section.model_fields
        }
        self.generic_visit(node)

    def _sections(self, node: ast.expr) -> frozenset[type[Section]]:
        """Which section an expression is: none, one, or one of several."""
        if isinstance(node, ast.BoolOp | ast.IfExp):
            parts = node.values if isinstance(node, ast.BoolOp) else [node.body, node.orelse]
            return frozenset[type["Section"]]().union(*map(self._sections, parts))
        if found := self._names.get(ast.unparse(node)):
            return found
        if isinstance(node, ast.Call):
            return self._returned.get(ast.unparse(node.func), frozenset())
        if not isinstance(node, ast.Attribute):
            return frozenset()
        known = [each.model_fields[node.attr] for each in self._sections(node.value) if node.attr in each.model_fields]
        inner = frozenset(its for field in known if (its := section_in(field.annotation)) is not None)
        return inner or frozenset({Settings} if node.attr == "settings" else ())


def _annotated(annotation: ast.expr | None) -> frozenset[type[Section]]:
    names = ast.unparse(annotation).split(" | ") if annotation is not None else ()
    return frozenset(SECTIONS[name] for name in names if name in SECTIONS)


def keys_read() -> Iterator[str]:
    for path in READERS:
        yield from Reading(ast.parse(path.read_text())).read
    for values in (Autoscaling, RevisionAutoscaling):  # which are made of all keys that bear the names of their fields
        yield from (f"AutoscalingSettings.{each.name}" for each in fields(values))


READ = frozenset(keys_read())


@pytest.mark.parametrize("key", KEYS)
def test_each_key_is_read_by_somebody(key: str) -> None:
    assert (key in READ) != (key in READ_BY_NOBODY)


def test_a_key_that_is_read_is_found_with_its_section() -> None:
    text = """
def made(settings: PoolSettings) -> str:
    queue, times = settings.queue, settings.timeouts
    told = settings.backends.dns or settings.backends.kubernetes
    return [queue.timeout, told.port, *(rule.lane for rule in settings.rules), Other().limit]
"""
    read = Reading(ast.parse(text)).read
    assert {each for each in read if not each.startswith(("PoolSettings.", "BackendsSettings."))} == {
        *("QueueSettings.timeout", "DnsSettings.port", "KubernetesServiceSettings.port", "RuleSettings.lane"),
    }
