"""Which functions of a page stop the running job, use the GPU, or end the server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.profiles.treatment import Functions, PageFunctions
from gateway.profiles.webui_functions import functions_probe

PROBE = functions_probe({"sd_vae"}.__contains__)


def component(number: int, elem_id: str = "", value: object = None, kind: str = "button") -> dict[str, Any]:
    return {"id": number, "type": kind, "props": {"elem_id": elem_id, "value": value}}


def kind_of(button: dict[str, Any], **function: object) -> str:
    """Of the one function of a page with one button."""
    dependencies = [{"targets": [button["id"]], "backend_fn": True, **function}]
    told = PROBE.reads(200, json.dumps({"components": [button], "dependencies": dependencies}).encode())
    assert told is not None
    kinds = [kind for kind in ("stopping", "working", "denied", "restoring") if getattr(told, kind).numbers]
    assert len(kinds) <= 1
    return kinds[0] if kinds else "light"


@pytest.mark.parametrize("spell", [lambda number: number, lambda number: [number, "click"]])
def test_the_functions_of_the_buttons(spell: object) -> None:
    assert callable(spell)
    components = [component(7, "txt2img_interrupt"), component(8, "img2img_skip"), component(9, "txt2img_token_button")]
    dependencies = [{"targets": [spell(number)], "api_name": f"f{number}"} for number in (9, 7, 5, 8)]
    told = PROBE.reads(200, json.dumps({"components": components, "dependencies": dependencies}).encode())
    assert told == PageFunctions(stopping=Functions(frozenset({1, 3}), frozenset({"f7", "f8"})))


def test_by_the_numbers_that_they_say_themselves() -> None:
    dependencies = [{"id": 40, "targets": [[7, "click"]], "api_name": False}, {"id": 41, "targets": [[9, "click"]]}]
    config = {"components": [component(7, "txt2img_interrupt")], "dependencies": dependencies}
    assert PROBE.reads(200, json.dumps(config).encode()) == PageFunctions(stopping=Functions(frozenset({40})))


@pytest.mark.parametrize(
    ("elem_id", "label", "kind"),
    [
        # A1111 1.10.1
        *(("txt2img_interrupt", "Interrupt", "stopping"), ("img2img_interrupting", "Interrupting...", "stopping")),
        *(("txt2img_skip", "Skip", "stopping"), ("train_interrupt_training", "Interrupt", "stopping")),
        *(("interrogate", "\N{PAPERCLIP}", "working"), ("deepbooru", "\N{PACKAGE}", "working")),
        *(
            ("sett_unload_sd_model", "Unload SD checkpoint to free VRAM", "working"),
            ("change_checkpoint", "", "working"),
        ),
        *(("sett_reload_sd_model", "Reload the last", "working"), ("settings_submit", "Apply settings", "working")),
        *(("train_create_embedding", "Create embedding", "working"), ("train_create_hypernetwork", "", "working")),
        *(("settings_restart_gradio", "Reload UI", "denied"), ("install_extension_button", "", "denied")),
        *(("", "Apply and restart UI", "denied"), ("", "Apply and quit", "denied"), ("", "Install", "denied")),
        ("extension_backup_restore", "Restore Selected Config", "denied"),
        ("settings_reload_script_bodies", "Reload custom script bodies (No ui updates, No restart)", "working"),
        *(("txt2img_generate", "Generate", "working"), ("txt2img_restore_progress", "\N{CYCLONE}", "restoring")),
        *(("txt2img_token_button", "", "light"), ("txt2img_clear_prompt", "", "light"), ("paste", "", "light")),
        *(("refresh_sd_model_checkpoint", "", "light"), ("txt2img_style_apply", "", "light")),
        # SD.Next, Forge's ControlNet
        *(("extras_interrupt", "Stop", "stopping"), ("control_pause", "Pause", "stopping")),
        *(("restart_submit", "Restart server", "denied"), ("shutdown_submit", "Shutdown server", "denied")),
        *(("", "Unload model", "working"), ("wd_load", "Load", "working"), ("btn_wd_tag", "Tag", "working")),
        ("txt2img_controlnet_ControlNet-0_controlnet_trigger_preprocessor", "", "working"),
    ],
)
def test_a_button_by_its_id_or_its_label(elem_id: str, label: str, kind: str) -> None:
    assert kind_of(component(1, elem_id, label)) == kind


@pytest.mark.parametrize(
    ("elem_id", "kind"),
    [("setting_sd_vae", "working"), ("setting_CLIP_stop_at_last_layers", "light"), ("setting_interrupt", "light")],
)
def test_an_option_by_what_its_change_loads(elem_id: str, kind: str) -> None:
    assert kind_of(component(1, elem_id, "x", kind="dropdown"), trigger="change") == kind


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("interrupt_function", "stopping"), ("request_restart", "denied"), ("restore_config_state_1", "denied")),
        *(("skip_1", "stopping"), ("checkpoint_change", "working"), ("modules_change_1", "working"), ("f_2", "light")),
    ],
)
def test_a_button_by_the_name_of_its_function(name: str, kind: str) -> None:
    assert kind_of(component(1), api_name=name) == kind


@pytest.mark.parametrize("script", ["restart_reload", "() => { restartReload(); }", "extensions_apply"])
def test_a_button_by_the_script_that_runs_before(script: str) -> None:
    assert kind_of(component(1), js=script) == "denied"


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        *((script, "working") for script in ("submit", "submit_img2img", "modelmerger", "(...a) => submit_x(...a)")),
        *((script, "light") for script in ("showSubmitButtons('x')", "form.submit()", "unsubmit")),
    ],
)
def test_enter_in_the_prompt_by_the_script_that_names_a_task(script: str, kind: str) -> None:
    assert kind_of(component(1, "txt2img_prompt", kind="textbox"), js=script, trigger="submit") == kind


def test_a_button_that_cancels_stops_something_unless_it_only_shows_something() -> None:
    assert kind_of(component(1, value="Cancel"), outputs=[]) == "stopping"
    assert kind_of(component(1, value="Cancel"), outputs=[3]) == "light"
    assert kind_of(component(1, "setting_sd_cancel", kind="slider"), outputs=[]) == "light"


@pytest.mark.parametrize(
    "config",
    [
        b'{"components": 1, "dependencies": [1, {}, {"targets": [[], {}, null]}]}',
        b'{"components": [1, {"id": 1}, {"id": 1, "type": "button", "props": {"elem_id": 5}},'
        b' {"id": null, "type": "button", "props": {"elem_id": "txt2img_skip"}}],'
        b' "dependencies": [{"targets": [null, 1]}]}',
    ],
)
def test_what_is_odd_in_it_names_none(config: bytes) -> None:
    assert PROBE.reads(200, config) == PageFunctions()


@pytest.mark.parametrize(
    ("status", "config"),
    [
        *((200, config) for config in (b"", b"[]", b"{}", b"[" * 100_000, b'{"dependencies": null}')),
        (401, b'{"dependencies": []}'),
    ],
)
def test_what_is_no_configuration_says_nothing(status: int, config: bytes) -> None:
    assert PROBE.reads(status, config) is None
