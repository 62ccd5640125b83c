"""A plan that cannot be carried out is refused with a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.load.plan import LoadPlan, parse_header


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/sdapi/v1/txt2img", "https://example.com", "http://[::1]:80/?q"])
def test_urls_that_can_be_sent_to(url: str) -> None:
    assert LoadPlan(url, ops=url).requests == 200


@pytest.mark.parametrize(
    "url", ["", "localhost:8080", "ftp://host/", "http://", "http://host:99999/", "http://[::1/", "http://host/a b"]
)
def test_urls_that_cannot(url: str) -> None:
    with pytest.raises(ValueError, match="must look like http://host:port/path, not"):
        LoadPlan(url)
    with pytest.raises(ValueError, match="the operators' URL must look like"):
        LoadPlan("http://host/", ops=url)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"concurrency": 0}, "workers must be at least 1, not 0"),
        ({"requests": 4, "concurrency": 5}, "4 requests are fewer than 5 workers"),
        ({"timeout": -1.0}, "a timeout is a number of seconds"),
        ({"timeout": float("nan")}, "a timeout is a number of seconds"),
        ({"method": "GET /"}, "not a method: 'GET /'"),
    ],
)
def test_figures_that_make_no_plan(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        LoadPlan("http://host/", **options)


def test_headers_as_they_are_typed() -> None:
    assert parse_header("Content-Type: application/json") == ("Content-Type", "application/json")
    assert parse_header("X-Empty:") == ("X-Empty", "")
    assert parse_header("X-Time: 12:00") == ("X-Time", "12:00")


@pytest.mark.parametrize("line", ["no colon", ": no name", "sp ace: 1", "X-Break: a\r\nX-Second: b"])
def test_what_is_not_a_header(line: str) -> None:
    with pytest.raises(ValueError, match="not a header"):
        parse_header(line)
