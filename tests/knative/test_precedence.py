"""Warnings, as people read them."""

from __future__ import annotations

from gateway.knative.precedence import IgnoredAnnotation


def test_a_warning_names_what_was_found_where_and_what_was_expected() -> None:
    each = IgnoredAnnotation("revision sd-00001", "autoscaling.knative.dev/maxScale", 'te"n', "a whole number")
    assert str(each) == (r'revision sd-00001 autoscaling.knative.dev/maxScale: found "te\"n", expected a whole number')


def test_a_warning_repeats_little_and_stays_on_its_line() -> None:
    told = str(IgnoredAnnotation("revision sd", "key", "\n" * 1000, "less"))
    assert len(told) < 200
    assert told.isprintable()
