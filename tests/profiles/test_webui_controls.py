"""Which functions of a page stop the running job."""

from __future__ import annotations

import json

import pytest

from gateway.profiles.treatment import Functions
from gateway.profiles.webui_controls import stopping_functions

COMPONENTS = [
    {"id": 7, "type": "button", "props": {"elem_id": "txt2img_interrupt"}},
    {"id": 8, "type": "button", "props": {"elem_id": "img2img_skip"}},
    {"id": 9, "type": "button", "props": {"elem_id": "txt2img_generate"}},
    {"id": None, "props": {"elem_id": "txt2img_skip"}},
]


@pytest.mark.parametrize("spell", [lambda number: number, lambda number: [number, "click"]])
def test_the_functions_of_the_buttons(spell: object) -> None:
    assert callable(spell)
    dependencies = [{"targets": [spell(number)], "api_name": f"f{number}"} for number in (9, 7, 5, 8)]
    config = json.dumps({"components": COMPONENTS, "dependencies": dependencies}).encode()
    assert stopping_functions(200, config) == Functions(frozenset({1, 3}), frozenset({"f7", "f8"}))


def test_by_the_numbers_that_they_say_themselves() -> None:
    dependencies = [{"id": 40, "targets": [[7, "click"]], "api_name": False}, {"id": 41, "targets": [[9, "click"]]}]
    config = json.dumps({"components": COMPONENTS, "dependencies": dependencies}).encode()
    assert stopping_functions(200, config) == Functions(frozenset({40}))


@pytest.mark.parametrize(
    ("elem_id", "stops"),
    [
        *(("extras_interrupt", True), ("img2img_interrupting", True), ("txt2img_skip", True)),
        *(("txt2img_skip_all", False), ("_skip", False), ("interrupt", False), ("txt2img_generate", False)),
    ],
)
def test_each_tab_has_its_own(elem_id: str, stops: bool) -> None:
    components = [{"id": 1, "props": {"elem_id": elem_id}}]
    config = json.dumps({"components": components, "dependencies": [{"targets": [1]}]}).encode()
    assert stopping_functions(200, config) == Functions(frozenset({0} if stops else ()))


@pytest.mark.parametrize(
    "config",
    [
        b'{"components": 1, "dependencies": [1, {}, {"targets": [[], {}, null]}]}',
        b'{"components": [1, {"id": 1}, {"id": 1, "props": {"elem_id": 5}}], "dependencies": [{"targets": [null]}]}',
    ],
)
def test_what_is_odd_in_it_names_none(config: bytes) -> None:
    assert stopping_functions(200, config) == Functions()


@pytest.mark.parametrize(
    ("status", "config"),
    [
        *((200, config) for config in (b"", b"[]", b"{}", b"[" * 100_000, b'{"dependencies": null}')),
        (401, b'{"dependencies": []}'),
    ],
)
def test_what_is_no_configuration_says_nothing(status: int, config: bytes) -> None:
    assert stopping_functions(status, config) is None
