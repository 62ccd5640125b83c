"""The file as values and places. Knows no keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.settings.file import Document, dotted, overlaps, quoted, read

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def document(file: Path, text: str, **environ: str) -> Document:
    file.write_text(text, encoding="utf-8")
    return read(file, environ, lambda at: at[:1] == ("secret",))


def problems(file: Path, text: str, **environ: str) -> list[str]:
    return [str(problem).removeprefix(str(file)) for problem in document(file, text, **environ).problems]


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        *(("5", 5), ("-5", -5), ("010", 10), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5), ("9" * 31, 1e31)),
        *(("true", True), ("False", False), ("", None), ("~", None), ("null", None)),
        *(("no", "no"), ("1:30", "1:30"), ("2024-01-01", "2024-01-01"), ("0x10", "0x10"), (".inf", ".inf")),
        *(('"5"', "5"), ("'true'", "true"), ("a b", "a b")),
        *(("${N}", 8080), ('"${N}"', "8080"), ("${T}", True), ("${NO:-5}", 5), ("${NO:-}", None), ("x${N}", "x8080")),
    ],
)
def test_scalars(file: Path, scalar: str, value: Any) -> None:
    read = document(file, f"a: {scalar}", N="8080", T="true")
    assert read.problems == []
    assert read.values == {"a": pytest.approx(value) if isinstance(value, float) else value}


def test_mappings_lists_and_aliases(file: Path) -> None:
    text = "a: &x {b: [1, two]}\nc: *x\n7: {}"
    assert document(file, text).values == {"a": {"b": [1, "two"]}, "c": {"b": [1, "two"]}, "7": {}}


def test_an_empty_file_has_no_keys(file: Path) -> None:
    assert document(file, "# nothing\n").values == {}


def test_a_problem_shows_where_and_what(file: Path) -> None:
    read = document(file, "a:\n  b: [1, {c: x}]\n  d:\n", N="5")
    lines = [
        str(problem).removeprefix(str(file))
        for problem in (
            read.problem(("a", "b", 1, "c"), "y"),
            read.problem(("a", "b"), "y"),
            read.problem(("a",), "y", hint="so there"),
            read.problem(("a", "d"), "y"),
            read.problem(("a", "e", "f"), "y"),
            read.problem(("z",), "y", found="zed"),
            read.key_problem(("a", "d"), "y"),
        )
    ]
    assert lines == [
        ':2:14 a.b[1].c: found "x", expected y',
        ":2:6 a.b: found a list, expected y",
        ":2:3 a: found a mapping, expected y (so there)",
        ":3:5 a.d: found nothing, expected y",
        ":1:1 a.e.f: found nothing, expected y",
        " z: found zed, expected y",
        ':3:3 a.d: found "d", expected y',
    ]


def test_what_comes_from_the_environment_or_is_secret_is_not_shown(file: Path) -> None:
    read = document(file, "a: ${TOKEN}\nb: x${TOKEN:-y}${A}\nsecret: {c: hush}", TOKEN="hush", A="hush")
    shown = [read.problem(at, "y").found for at in (("a",), ("b",), ("secret", "c"))]
    assert shown == ['"${TOKEN}" (from $TOKEN)', '"x${TOKEN:-y}${A}" (from $TOKEN, $A)', "a value that is not shown"]
    assert [read.text(at) for at in (("a",), ("secret", "c"), ("secret",), ("no",))] == [""] * 4


def test_every_reading_problem_is_told_and_the_rest_is_read(file: Path) -> None:
    text = "a: 1\nb: ${NO}\na: 2\nc: !!int '5'\nd: [${]\ne: &e [*e]\n? [x]\n: 1\n"
    assert problems(file, text.replace("${]", '"${"]')) == [
        ':2:4 b: found "${NO}" (from $NO), expected NO in the environment, where it is not set '
        "(or a default: ${NO:-...})",
        ':3:1 a: found "a" again, expected each key once, and it is on line 1',
        ':4:4 c: found the tag "tag:yaml.org,2002:int", expected a value without a tag',
        ':5:5 d[0]: found "${", expected ${NAME} or ${NAME:-default} (a plain ${ is written $${)',
        ":6:4 e[0]: found a list, expected no alias to what it is part of",
        ":7:3: found a key that is no plain word, expected a plain key",
    ]
    assert document(file, text.replace("${]", '"${"]')).values == {"a": 1}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: b: c", ":1:5: found broken YAML (mapping values are not allowed here), expected YAML"),
        (
            "a: {b: ${X}}",
            ":1:9: found broken YAML (while parsing a flow mapping expected ',' or '}', but got '{'), expected YAML "
            "(inside { } and [ ], ${...} needs quotes)",
        ),
        (
            "a: 1\n---\nb: 1",
            ":2:1: found broken YAML (expected a single document in the stream but found another document), "
            "expected YAML",
        ),
        ("a: \x01", ": found a character that YAML does not allow, expected YAML"),
        ("- a", ": found YAML without keys, expected a mapping"),
    ],
)
def test_broken_yaml(file: Path, text: str, problem: str) -> None:
    assert problems(file, text) == [problem]
    assert document(file, text).values is None


def test_a_file_that_cannot_be_read(file: Path) -> None:
    (problem,) = read(file, {}, lambda at: False).problems
    assert (
        str(problem) == f"{file}: found no way to read it (No such file or directory), expected a file that can be read"
    )
    file.write_bytes(b"a: \xff")
    (problem,) = read(file, {}, lambda at: False).problems
    assert str(problem) == f"{file}: found bytes that are not UTF-8, expected YAML in UTF-8"


def test_text_is_fit_for_a_line_of_a_terminal() -> None:
    assert quoted("ä") == '"ä"'
    assert quoted("a\x1b[31m\n") == '"a\\u001b[31m\\n"'
    assert quoted("http://me:hush@host") == '"http://***@host"'
    assert len(quoted("x" * 1000)) == 62


def test_places() -> None:
    assert dotted(("pools", "sd", "hosts", 0)) == "pools.sd.hosts[0]"
    assert dotted(("a\x1b", "b")) == '"a\\u001b".b'
    assert overlaps(("a", "b"), [("a",)])
    assert overlaps(("a",), [("a", "b")])
    assert not overlaps(("a", "b"), [("a", "c"), ("b",)])
