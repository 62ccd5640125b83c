"""Which clicks are work, and one name for all spellings of a model."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.records.lanes import Lane
from gateway.profiles.treatment import Asked, Chosen, Click, Treatment
from gateway.profiles.webui_answers import STOP_BY_CALL
from gateway.profiles.webui_events import choice, event, generation, model_name, options


def told(body: bytes, *, whole: bool = True, path: bytes = b"/run/predict") -> Treatment:
    return event(Asked("POST", path, body=body, whole=whole), STOP_BY_CALL, "spoken")


def test_a_click_that_names_a_task_is_work() -> None:
    treatment = told(b'{"data": ["task(abc)", "a dog"], "fn_index": 3, "session_hash": "s1"}')
    assert treatment.lane is Lane.COUNTED
    assert treatment.more is not None
    assert (treatment.more.job, treatment.more.session_keys) == ("task(abc)", ("session:s1",))
    assert treatment.more.dialogue == "spoken"


@pytest.mark.parametrize(
    "data", ['["a dog"]', "[]", "[null]", '[["task(a)"]]', '["ttask(a)"]', "null", '["x", "task(a)"]']
)
def test_any_other_click_is_not(data: str) -> None:
    treatment = told(f'{{"data": {data}, "session_hash": "s1"}}'.encode())
    assert treatment.lane is Lane.EXEMPT
    assert treatment.more is not None
    assert treatment.more.session_keys == ("session:s1",)


@pytest.mark.parametrize(
    ("number", "read"),
    [("7", 7), ('"7"', 7), ("7.0", 7), ("true", 1), ("null", None), ("[7]", None), ('"x"', None), ("NaN", None)],
)
def test_and_says_which_function_it_calls_however_that_is_spelled(number: str, read: int | None) -> None:
    more = told(f'{{"data": [], "fn_index": {number}}}'.encode()).more
    assert more is not None
    assert more.click == Click(STOP_BY_CALL, read, "predict", "spoken")


@pytest.mark.parametrize(
    ("path", "name"),
    [(b"/api/interrupt/", "interrupt"), (b"/call/a%20b", "a b"), (b"/run/a/b", "a/b"), (b"/queue/join", "predict")],
)
def test_or_by_which_name(path: bytes, name: str | None) -> None:
    more = told(b'{"data": []}', path=path).more
    assert more is not None
    assert more.click == Click(STOP_BY_CALL, None, name, "spoken")


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"data": ["x"], "data": ["task(a)"]}', b'{"data": ["x"]} {', b'{"data": ["x", ' + b"[" * 99]
)
def test_what_cannot_be_seen_is_taken_for_work(body: bytes) -> None:
    assert told(body).lane is Lane.COUNTED


def test_a_beginning_shows_a_task_and_clears_nobody() -> None:
    cut = told(b'{"data": ["task(abc)", "data:image/png;base64,AAAA', whole=False)
    assert cut.more is not None
    assert (cut.lane, cut.more.job) == (Lane.COUNTED, "task(abc)")
    assert told(b'{"data": ["x"]}', whole=False).lane is Lane.COUNTED


@given(st.dictionaries(st.sampled_from(["data", "session_hash", "x"]), st.lists(st.text() | st.none()) | st.text()))
def test_a_task_is_seen_in_every_spelling_of_json(body: dict[str, object]) -> None:
    body["data"] = ["task(abc)", body.get("data")]
    assert told(json.dumps(body, indent=1).encode()).lane is Lane.COUNTED
    assert told(json.dumps(body).replace("task", "t\\u0061sk").encode()).lane is Lane.COUNTED


@pytest.mark.parametrize(
    "spelled",
    [
        *("v1-5", "v1-5.safetensors", "v1-5.ckpt", "v1-5.safetensors [6ce0161689]", "sd/v1-5.safetensors"),
        *("sd\\v1-5.CKPT", " v1-5 "),
    ],
)
def test_one_name_for_all_spellings(spelled: str) -> None:
    assert model_name(spelled) == "v1-5"


@pytest.mark.parametrize("spelled", [None, "", "   ", "x" * 1000])
def test_no_name(spelled: str | None) -> None:
    assert model_name(spelled) is None


@pytest.mark.parametrize(
    ("body", "chooses", "chosen"),
    [
        *(({}, None, Chosen.USED), ({"override_settings": {}}, None, Chosen.USED)),
        ({"override_settings": {"sd_model_checkpoint": "a.ckpt"}}, None, None),
        (
            {"override_settings": {"sd_model_checkpoint": "a.ckpt"}, "override_settings_restore_afterwards": False},
            *("a.ckpt", None),
        ),
    ],
)
def test_a_picture_uses_what_was_chosen_unless_it_names_a_model(
    body: dict[str, object], chooses: str | None, chosen: Chosen | None
) -> None:
    more = generation(Asked("POST", b"/sdapi/v1/txt2img", body=json.dumps(body).encode())).more
    assert more is not None
    assert (more.chooses, more.chosen) == (chooses, chosen)


def test_who_sets_the_option_chooses_as_they_spell_it() -> None:
    treat = options({"sd_model_checkpoint", "sd_vae"}.__contains__)
    for body, chooses in ((choice("sd/a.ckpt [0123456789]"), "sd/a.ckpt [0123456789]"), (b'{"sd_vae": "x"}', None)):
        more = treat(Asked("POST", b"/sdapi/v1/options", body=body)).more
        assert more is not None
        assert more.chooses == chooses
