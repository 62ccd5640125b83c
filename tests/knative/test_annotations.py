"""Annotations are found under each spelling of their name."""

from __future__ import annotations

from gateway.knative.annotations import annotations_of, read_all, spellings
from gateway.knative.precedence import IgnoredAnnotation
from gateway.knative.readers import whole

TABLE = {"window": whole(1), "max_scale": whole(0)}


def test_spellings() -> None:
    assert list(spellings("x/", "window")) == ["x/window"]
    assert list(spellings("x/", "max_scale_limit")) == ["x/max-scale-limit", "x/maxScaleLimit"]


def test_kebab_case_goes_first() -> None:
    told = {"x/maxScale": "5", "x/max-scale": "3", "y/window": "60", "x/other": "?"}
    assert read_all(told, "x/", TABLE, "revision sd") == ({"max_scale": 3}, [])


def test_what_makes_no_sense_is_told_as_it_is_spelled_and_the_rest_counts() -> None:
    told = {"x/maxScale": "ten", "x/window": "60"}
    each = IgnoredAnnotation("revision sd", "x/maxScale", "ten", "a whole number, at least 0")
    assert read_all(told, "x/", TABLE, "revision sd") == ({"window": 60}, [each])


def test_an_object_may_have_none() -> None:
    assert annotations_of({}) == {}
    assert annotations_of({"metadata": {"annotations": None}}) == {}
    assert annotations_of({"metadata": {"annotations": {"a": "b"}}}) == {"a": "b"}
