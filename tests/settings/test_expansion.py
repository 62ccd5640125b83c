"""References to the environment."""

from __future__ import annotations

import pytest

from gateway.settings.expansion import ExpansionError, allow_references, expand, variables

ENVIRON = {"A": "1", "B": "x${A}", "EMPTY": ""}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain $A {A}", "plain $A {A}"),
        ("${A}", "1"),
        ("a${A}b${A}", "a1b1"),
        ("${B}", "x${A}"),  # once
        ("${NO:-d}", "d"),
        ("${EMPTY:-d}${EMPTY}", "d"),
        ("${NO:-}", ""),
        ("${A:-d}", "1"),
        ("$${A}", "${A}"),
    ],
)
def test_expansion(text: str, expanded: str) -> None:
    assert expand(text, ENVIRON) == expanded


@pytest.mark.parametrize("text", ["${", "${}", "${1}", "${A", "${A:+b}", "${A:-${B}}", "${a b}"])
def test_a_broken_reference_is_refused(text: str) -> None:
    with pytest.raises(ExpansionError) as caught:
        expand(text, ENVIRON)
    assert caught.value.expected == "${NAME} or ${NAME:-default}"
    assert caught.value.hint == "a plain ${ is written $${"


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(ExpansionError, match=r"^NO in the environment, where it is not set$") as caught:
        expand("${A}${NO}", ENVIRON)
    assert caught.value.hint == "or a default: ${NO:-...}"


def test_variables_are_named_once() -> None:
    assert variables("${B} ${A:-x} ${B} $${C}") == ["B", "A"]


def test_a_schema_takes_references_for_all_but_free_text() -> None:
    reference = {"type": "string", "pattern": r"\$\{"}
    port = {"type": "integer", "minimum": 0}
    schema = {"properties": {"port": port | {"title": "Port", "default": 80}, "name": {"type": "string"}}}
    assert allow_references(schema) == {
        "properties": {
            "port": {"title": "Port", "default": 80, "anyOf": [port, reference]},
            "name": {"type": "string"},
        }
    }
    assert allow_references({"anyOf": [port, {"enum": ["a"]}]}) == {"anyOf": [port, reference, {"enum": ["a"]}]}
