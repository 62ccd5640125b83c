"""A body is read as FastAPI and pydantic read it, and refused in their words."""

from __future__ import annotations

import pytest

from gateway.demo.a1111.wish import UnprocessableError, Wish, read_fields


def refusal(body: bytes, content_type: str | None = "application/json") -> list[dict[str, object]]:
    with pytest.raises(UnprocessableError) as caught:
        Wish.of(read_fields(body, content_type))
    return caught.value.errors


@pytest.mark.parametrize("content_type", [None, "application/json", "application/json; charset=utf-8", "text/x+json"])
def test_json_is_read(content_type: str | None) -> None:
    assert read_fields(b'{"prompt": "dog"}', content_type) == {"prompt": "dog"}


def test_bad_json_says_where() -> None:
    (error,) = refusal(b'{"prompt" 1}')
    assert error["loc"] == ["body", 10]
    assert error["msg"] == "Expecting ':' delimiter: line 1 column 11 (char 10)"
    assert error["type"] == "value_error.jsondecode"


@pytest.mark.parametrize(
    ("body", "content_type", "error"),
    [
        (b"", "application/json", {"loc": ["body"], "msg": "field required", "type": "value_error.missing"}),
        (b"[]", "application/json", {"loc": ["body"], "msg": "value is not a valid dict", "type": "type_error.dict"}),
        (b"{}", "text/html", {"loc": ["body"], "msg": "value is not a valid dict", "type": "type_error.dict"}),
        (b'{"prompt": []}', None, {"loc": ["body", "prompt"], "msg": "str type expected", "type": "type_error.str"}),
    ],
)
def test_what_is_not_an_object_of_its_fields_is_refused(
    body: bytes, content_type: str, error: dict[str, object]
) -> None:
    assert refusal(body, content_type) == [error]


@pytest.mark.parametrize("value", [b'"x"', b"Infinity", b"NaN", b"{}"])
def test_what_is_not_an_integer_is_refused(value: bytes) -> None:
    (error,) = refusal(b'{"width": %s}' % value)
    assert error == {"loc": ["body", "width"], "msg": "value is not a valid integer", "type": "type_error.integer"}


def test_defaults_are_the_real_ones() -> None:
    wish = Wish.of({"prompt": None, "seed": 7})
    assert wish == Wish(prompt="", seed=7, steps=50, width=512, height=512, batch_size=1, n_iter=1, task="")
    assert Wish.of({}).seed != Wish.of({}).seed  # -1: any


def test_wishes_are_bounded() -> None:
    wish = Wish.of({"width": 10**9, "height": -5, "batch_size": 10**9, "n_iter": "10", "seed": 5})
    assert (wish.width, wish.height, wish.pictures) == (2048, 8, 16)
    assert wish.seeds == range(5, 21)
