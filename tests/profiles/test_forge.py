"""Where Forge differs from A1111."""

from __future__ import annotations

import pytest

from gateway.core.records.lanes import Lane
from gateway.profiles.forge import forge
from gateway.profiles.treatment import Asked


@pytest.mark.parametrize(
    ("body", "lane", "dialogue"),
    [
        (b'{"data": ["task(a)"], "session_hash": "s1"}', Lane.COUNTED, "gradio_stream"),
        (b'{"data": ["a dog"], "session_hash": "s1"}', Lane.EXEMPT, None),
    ],
)
def test_its_clicks_are_posted(body: bytes, lane: Lane, dialogue: str | None) -> None:
    more = forge().treat("POST", b"/queue/join").more
    assert more is not None
    assert more.ask is not None
    treatment = more.ask(Asked("POST", b"/queue/join", body=body))
    assert treatment.more is not None
    assert (treatment.lane, treatment.more.dialogue) == (lane, dialogue)


def test_the_lists_of_what_it_has_built_in_are_light_and_its_work_is_not() -> None:
    for path in (b"/controlnet/model_list", b"/controlnet/module_list", b"/controlnet/control_types"):
        assert forge().treat("GET", path).lane is Lane.EXEMPT
    assert forge().treat("POST", b"/controlnet/detect").lane is Lane.COUNTED


def test_its_streams_hold_nothing_up() -> None:
    assert forge().treat("GET", b"/queue/data").lane is Lane.PASSIVE
    assert forge().treat("GET", b"/heartbeat/s1").lane is Lane.PASSIVE
