"""What A1111, Forge and SD.Next have in common: what decides a request's lane, by path and by body, and the probes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gateway.core.records.lanes import Lane, ModelNeed, WhenBusy
from gateway.profiles.registry import profile
from gateway.profiles.treatment import Asked, Place, Treatment, Verb

if TYPE_CHECKING:
    from gateway.profiles.treatment import Control, More

KINDS = ["a1111", "forge", "sdnext"]


def treated(kind: str, request: str, body: object = None) -> Treatment:
    """As the endpoint does it: by method and path, and by the rest of it if the profile asks."""
    method, path = request.split(" ")
    treatment = profile(kind).treat(method, path.encode())
    more = treatment.more
    if more is None or more.ask is None or more.dialogue is not None:
        return treatment
    sent = body if isinstance(body, bytes) else json.dumps(body).encode()
    return more.ask(Asked(method, path.encode(), body=sent))


def more_of(treatment: Treatment) -> More:
    assert treatment.more is not None
    return treatment.more


def control_of(treatment: Treatment) -> Control:
    control = more_of(treatment).control
    assert control is not None
    return control


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("body", "lane"),
    [
        ({"samples_format": "png", "save": {"sd_model_checkpoint": 1}}, Lane.EXEMPT),
        ({}, Lane.EXEMPT),
        ({"samples_format": "png", "sd_model_checkpoint": "a.safetensors"}, Lane.COUNTED),
        ({"sd_vae": None}, Lane.COUNTED),
        (b'{"\\u0073d_vae": "x"}', Lane.COUNTED),
        (b'{"samples_format": "png", "samples_format": "jpg"}', Lane.COUNTED),
        (b'{"samples_format": "png"', Lane.COUNTED),
        (b"\xff", Lane.COUNTED),
        ('{"sd_vae": 1}'.encode("utf-16"), Lane.COUNTED),
    ],
)
def test_options_are_counted_when_they_load_something_or_cannot_be_read(kind: str, body: object, lane: Lane) -> None:
    assert treated(kind, "POST /sdapi/v1/options", body).lane is lane


def test_options_that_change_the_model_say_which_and_that_it_stays() -> None:
    treatment = treated("a1111", "POST /sdapi/v1/options", {"sd_model_checkpoint": "sd/a.safetensors [0123456789]"})
    assert (treatment.when_busy, more_of(treatment).need) == (WhenBusy.WAIT, ModelNeed("a", stays=True))


def test_what_only_one_kind_loads() -> None:
    def lanes(body: dict[str, object]) -> list[str]:
        return [treated(kind, "POST /sdapi/v1/options", body).lane.value for kind in KINDS]

    assert lanes({"forge_additional_modules": []}) == ["exempt", "counted", "exempt"]
    assert lanes({"diffusers_offload_mode": "none"}) == ["exempt", "exempt", "counted"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_says_its_name_and_its_model(kind: str) -> None:
    body = {"force_task_id": "task(a)", "override_settings": {"sd_model_checkpoint": "a.ckpt"}, "prompt": "dog"}
    treatment = treated(kind, "POST /sdapi/v1/txt2img", body)
    assert (treatment.lane, treatment.when_busy) == (Lane.COUNTED, WhenBusy.SPILL)
    assert (more_of(treatment).job, more_of(treatment).need) == ("task(a)", ModelNeed("a"))
    unread = more_of(treated(kind, "POST /sdapi/v1/img2img", b"["))
    assert (unread.job, unread.need) == (None, None)


@pytest.mark.parametrize(
    ("body", "need"),
    [
        ({}, ModelNeed(None)),
        ({"override_settings": {"sd_model_checkpoint": None}}, ModelNeed(None)),
        ({"override_settings_restore_afterwards": False}, ModelNeed(None)),
        (
            {"override_settings": {"sd_model_checkpoint": "a"}, "override_settings_restore_afterwards": False},
            ModelNeed("a", stays=True),
        ),
        (
            {"override_settings": {"sd_model_checkpoint": "a"}, "override_settings_restore_afterwards": True},
            ModelNeed("a"),
        ),
    ],
)
def test_a_picture_that_names_no_model_is_painted_with_the_pods_own(body: object, need: ModelNeed) -> None:
    assert more_of(treated("a1111", "POST /sdapi/v1/txt2img", body)).need == need


@pytest.mark.parametrize("request_", ["GET /sdapi/v1/progress", "POST /internal/progress"])
def test_progress_is_watched_and_wakes_nobody(request_: str) -> None:
    treatment = treated("a1111", request_, {"id_task": "task(a)", "id_live_preview": -1})
    control = control_of(treatment)
    assert (treatment.lane, control.verb) == (Lane.PASSIVE, Verb.WATCH)
    assert control.jobs == (("task(a)",) if "internal" in request_ else ())
    assert json.loads(control.held(Place(2, 3)).body)["textinfo"] == "In queue: 2/3"


def test_progress_of_no_task_is_only_forwarded() -> None:
    assert more_of(treated("a1111", "POST /internal/progress", {"id_task": ""})).control is None


@pytest.mark.parametrize(
    ("kind", "verb", "answer"),
    [
        ("a1111", "interrupt", (200, b"{}")),
        ("forge", "skip", (200, b"null")),
        ("sdnext", "interrupt", (204, b"")),
        ("sdnext", "skip", (204, b"")),
    ],
)
def test_only_the_owner_stops_a_job(kind: str, verb: str, answer: tuple[int, bytes]) -> None:
    treatment = treated(kind, f"POST /sdapi/v1/{verb}")
    control = control_of(treatment)
    assert (treatment.lane, control.verb) == (Lane.PASSIVE, Verb.STOP)
    held, foreign = control.held(Place(1, 1)), control.foreign
    assert (held.status, held.body) == answer
    assert foreign is not None
    assert "Nothing was stopped" in json.loads(foreign.body)["detail"]


@pytest.mark.parametrize(
    ("path", "status", "body", "early"),
    [
        (b"/sdapi/v1/txt2img", 404, b'{"detail":"Not Found"}', True),
        (b"/sdapi/v1/options", 404, b'{"detail": "Not Found"}', True),
        (b"/sdapi/v1/no-such-route", 404, b'{"detail":"Not Found"}', False),
        (b"/sdapi/v1/txt2img", 404, b'{"detail":"Sampler not found"}', False),
        (b"/sdapi/v1/txt2img", 500, b'{"detail":"Not Found"}', False),
        (b"/file=x", 404, b'{"detail":"Not Found"}', False),
    ],
)
def test_an_early_404_says_that_nothing_was_started(path: bytes, status: int, body: bytes, early: bool) -> None:
    too_early = profile("a1111").too_early
    assert too_early is not None
    assert too_early(path, status, body) is early


def test_what_is_loaded_is_read_from_the_options_be_they_cut_off() -> None:
    loaded = profile("a1111").loaded
    assert loaded is not None
    assert loaded.reads(200, b'{"sd_model_checkpoint": "x/a.safetensors [0123456789ab]", "quicks') == "a"
    assert loaded.reads(404, b'{"sd_model_checkpoint": "a"}') is None
    assert loaded.reads(200, b"[]") is None
