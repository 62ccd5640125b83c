"""Which functions of a page stop the running job."""

from __future__ import annotations

import json

import pytest

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
    dependencies = [{"targets": [spell(number)]} for number in (9, 7, 5, 8)]
    config = json.dumps({"components": COMPONENTS, "dependencies": dependencies}).encode()
    assert stopping_functions(config) == {1, 3}


@pytest.mark.parametrize(
    "config",
    [
        *(
            b"",
            b"[]",
            b"{}",
            b"[" * 100_000,
            b'{"components": 1, "dependencies": [1, {}, {"targets": [[], {}, null]}]}',
        ),
        b'{"components": [1, {"id": 1}, {"id": 1, "props": {"elem_id": 5}}], "dependencies": [{"targets": [null]}]}',
    ],
)
def test_what_cannot_be_read_names_none(config: bytes) -> None:
    assert stopping_functions(config) == frozenset()
