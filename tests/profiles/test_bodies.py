"""The bounded look into a body: it finds what Python's own reader finds, and what cannot be read makes it unsure."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.profiles.bodies import COMPOUND, Found, Path, look

DEEPEST = 4


def found(body: bytes, *, whole: bool = True) -> Found:
    return look(body, lambda path: True, DEEPEST, whole=whole)


def scalars(value: object, path: Path = ()) -> dict[Path, object]:
    """Every place of a value that is at most DEEPEST deep."""
    if len(path) > DEEPEST:
        return {}
    places: dict[Path, object] = {path: COMPOUND if isinstance(value, dict | list) else value}
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        places |= scalars(member, (*path, key))
    return places


leaves = st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text()
documents = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


@given(documents, st.booleans(), st.sampled_from([None, 2, "\t"]))
def test_it_finds_what_pythons_reader_finds(document: object, ascii_only: bool, indent: int | str | None) -> None:
    text = json.dumps(document, ensure_ascii=ascii_only, indent=indent)
    body = text.encode(errors="surrogatepass")
    try:
        body.decode()
    except UnicodeDecodeError:
        assert not found(body).sure
        return
    read = found(body)
    assert read.sure
    assert read.values == scalars(document)


@given(st.binary(), st.booleans())
def test_no_bytes_make_it_raise(body: bytes, whole: bool) -> None:
    assert found(body, whole=whole).sure in (True, False)


@given(st.text(st.sampled_from('{}[],:"\\u0 1-.eEntrufalsN')), st.booleans())
def test_what_it_is_sure_of_is_json_for_python_too(text: str, whole: bool) -> None:
    read = found(text.encode(), whole=whole)
    if read.sure:
        assert read.values == scalars(json.loads(text))


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b'{"a"}', b'{"a":1,}', b"[1,]", b'{"a" 1}', b"[1 2]", b"[}", b"{1:2}", b"1 2", b"nul", b"01"),
        *(b'"\n"', b'{"a\\x":1}', b"\xff", b"{\x00}\x00", b'\xef\xbb\xbf{"a":1}', "{}".encode("utf-16")),
    ],
)
def test_what_is_not_json_is_not_sure(body: bytes) -> None:
    assert not found(body).sure


@pytest.mark.parametrize(
    "body",
    [b"[" * 1_000_000, b"[" + b"0," * 500_000 + b"0]", b'{"a":' * 100_000, b"[" + b"{}," * 300_000 + b"{}]"],
)
def test_hostile_bodies_end_the_walk(body: bytes) -> None:
    assert not found(body).sure


def test_a_key_twice_is_not_sure_and_the_last_one_counts() -> None:
    read = found(b'{"a": 1, "\\u0061": "x"}')
    assert (read.text("a"), read.sure) == ("x", False)
    assert look(b'{"b": 1, "b": 2, "a": 3}', lambda path: path == ("a",), 1).sure


def test_a_beginning_tells_what_is_in_it_and_is_never_sure() -> None:
    beginning = found('{"data": ["task(ä)", "'.encode() + b"A" * 1000 + b"\xc3", whole=False)
    assert (beginning.text("data", 0), beginning.sure) == ("task(ä)", False)
    assert not found(b"{}", whole=False).sure


def test_long_strings_cost_nothing_and_long_numbers_are_not_read() -> None:
    read = found(b'{"image": "' + b"A" * 5_000_000 + b'", "a": "x", "n": ' + b"9" * 10_000 + b"}")
    assert (read.text("a"), read.sure, read.values["n",]) == ("x", True, COMPOUND)


def test_null_is_there_and_is_no_text() -> None:
    read = found(b'{"a": null}')
    assert read.has("a")
    assert read.text("a") is None
    assert not read.has("b")


@pytest.mark.parametrize(
    "body",
    [
        *('{"a": 12}'.encode(coding) for coding in ("utf-8-sig", "utf-16", "utf-16-be", "utf-32-le")),
        b'{"b": "\xed\xa0\x80", "a": 12}',
    ],
)
def test_what_python_decodes_is_found_and_not_relied_on(body: bytes) -> None:
    assert json.loads(body)["a"] == 12
    read = found(body)
    assert (read.values[("a",)], read.sure) == (12, False)
