"""Text as Go reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.knative.readers import cookie_name, duration, number, one_of, whole, whole_seconds


@pytest.mark.parametrize(("text", "value"), [("0", 0), ("+10", 10), ("007", 7), ("2147483647", 2**31 - 1)])
def test_whole_numbers(text: str, value: int) -> None:
    assert whole(0)(text) == value


@pytest.mark.parametrize("text", ["", " 1", "1 ", "-1", "1.0", "1e3", "1_000", "ten", "2147483648", "9" * 10_000, "١"])
def test_no_whole_numbers(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a whole number, at least 0$"):
        whole(0)(text)


@pytest.mark.parametrize(("text", "value"), [("70", 70), ("1e1", 10), (".5", 0.5), ("5.", 5), ("-1", -1)])
def test_numbers(text: str, value: float) -> None:
    assert number(0, 100, besides=-1)(text) == value


@pytest.mark.parametrize("text", ["", "NaN", "Inf", "-0.5", "100.1", "0x10", "1_0", "70%", "1e999"])
def test_no_numbers(text: str) -> None:
    with pytest.raises(ValueError, match=r"^a number, from 0 to 100, or -1$"):
        number(0, 100, besides=-1)(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("60s", 60), ("1m30s", 90), ("1h", 3600), ("1.5m", 90), (".5s", 0.5), ("250ms", 0.25), ("-0s", 0)],
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(0, 3600)(text) == seconds


@pytest.mark.parametrize("text", ["", "60", "s", "1d", "1 m", "1m 30s", "-1s", "61m", ".s"])
def test_no_durations(text: str) -> None:
    with pytest.raises(ValueError, match=r'^a duration such as "60s" or "1m30s", from 0 s to 3600 s$'):
        duration(0, 3600)(text)


def test_whole_seconds() -> None:
    assert whole_seconds(6, 3600)("59.9s100ms") == 60
    with pytest.raises(ValueError, match=r"from 6 s to 3600 s without a fraction of a second$"):
        whole_seconds(6, 3600)("6.5s")


def test_words() -> None:
    assert one_of("a", "b")("b") == "b"
    with pytest.raises(ValueError, match=r"^one of a, b$"):
        one_of("a", "b")("A")
    with pytest.raises(ValueError, match=r"^a$"):
        one_of("a")("b")


def test_cookie_names() -> None:
    assert cookie_name("sd") == "sd"
    for text in ("", "a b", "a=b", "a;", "ü"):
        with pytest.raises(ValueError, match=r"^a cookie name"):
            cookie_name(text)


@given(st.integers(-(10**12), 10**12))
def test_whole_numbers_are_read_as_they_are_written(value: int) -> None:
    read = whole(0, 10**12)
    if value >= 0:
        assert read(str(value)) == value
    else:
        with pytest.raises(ValueError):
            read(str(value))


@given(st.text(alphabet="0123456789.+-hmsnuµ") | st.text())
def test_whatever_is_read_is_within_bounds(text: str) -> None:
    try:
        assert 6 <= whole_seconds(6, 3600)(text) <= 3600
    except ValueError as error:
        assert str(error).startswith("a duration")  # noqa: PT017  # either will do
