"""Validation, told in the words of the file, and all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import pytest
from pydantic import BaseModel, ConfigDict

from gateway.settings.file import read
from gateway.settings.problems import did_you_mean, validate
from gateway.settings.types import Number, Spelled

if TYPE_CHECKING:
    from pathlib import Path

Small = Annotated[int, Number(0, 9, whole=True)]


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")

    needed: Small
    colour: Literal["red", "green"] = "red"
    words: tuple[str, ...] = ()
    flag: bool = False


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")

    first: Inner | None = None
    named: dict[Annotated[str, Spelled("[a-z]+", "small letters")], Inner] = {}
    listed: tuple[Inner, ...] = ()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "f"


def validated(file: Path, text: str, **environ: str) -> tuple[Outer | None, list[str]]:
    file.write_text(text)
    model, wrong = validate(Outer, read(file, environ, lambda at: False))
    return model, [str(problem).removeprefix(f"{file}:") for problem in wrong.values()]


def test_what_is_right_is_a_model(file: Path) -> None:
    assert validated(file, "first: {needed: 5}") == (Outer(first=Inner(needed=5)), [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("frist: {}", '1:1 frist: found "frist", expected one of first, named, listed (did you mean "first"?)'),
        ("first: {needed: 1, zzz: 2}", '1:20 first.zzz: found "zzz", expected one of needed, colour, words, flag'),
        ("first: {}", "1:1 first.needed: found nothing, expected a whole number"),
        ("first: {needed: 10}", "1:17 first.needed: found 10, expected a whole number, from 0 to 9"),
        ("first: 5", "1:8 first: found 5, expected a mapping with the keys needed, colour, words, flag"),
        (
            "first: {needed: 1, colour: gren}",
            '1:28 first.colour: found "gren", expected one of red, green (did you mean "green"?)',
        ),
        ("first: {needed: 1, words: a}", '1:27 first.words: found "a", expected a list'),
        ("first: {needed: 1, words: [a, 5]}", "1:31 first.words[1]: found 5, expected text"),
        ("first: {needed: 1, flag: maybe}", '1:26 first.flag: found "maybe", expected true or false'),
        ("named: {A: {needed: 1}}", '1:9 named.A: found "A", expected small letters'),
        ("named: {a: {neded: 1, needed: 1}}", "1:13 named.a.neded: "),
        ("named: [1]", "1:8 named: found a list, expected a mapping"),
        ("listed: [{needed: 1}, {}]", "1:23 listed[1].needed: found nothing, expected a whole number"),
    ],
)
def test_one_problem(file: Path, text: str, problem: str) -> None:
    _, (told,) = validated(file, text)
    assert told.startswith(problem)


def test_what_a_value_of_the_environment_resembles_is_not_told(file: Path) -> None:
    _, (told,) = validated(file, 'first: {needed: 1, colour: "${C}"}', C="gren")
    assert told == '1:28 first.colour: found "${C}" (from $C), expected one of red, green'


def test_what_is_wrong_is_left_out_of_the_model_and_the_rest_stays(file: Path) -> None:
    text = """\
first: {needed: 5, colour: blue, words: [a, 5, 6]}
named:
  a: {needed: x}
  b: {needed: 7, more: 1}
listed: [{needed: 1}, {needed: 11}]
"""
    model, problems = validated(file, text)
    assert model == Outer(first=Inner(needed=5), named={"b": Inner(needed=7)})
    assert [problem.split(":")[1].split(" ")[1] for problem in problems] == [
        *("first.colour", "first.words[1]", "first.words[2]", "named.a.needed", "named.b.more", "listed[1].needed")
    ]


def test_what_could_not_be_read_is_not_told_twice(file: Path) -> None:
    assert validated(file, "first: {needed: '${NO}'}") == (Outer(), [])


def test_did_you_mean() -> None:
    known = ["max_scale", "min_scale", "window"]
    assert did_you_mean("maxScale", known) == 'did you mean "max_scale"?'
    assert did_you_mean("min-scale", known) == 'did you mean "min_scale"?'
    assert did_you_mean("x", known) == did_you_mean("", known) == ""
