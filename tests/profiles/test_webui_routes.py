"""Files that the web UI would serve and no page needs."""

from __future__ import annotations

import pytest

from gateway.profiles.webui_routes import is_closed


@pytest.mark.parametrize(
    "file",
    [
        *("config.json", "UI-CONFIG.json", "/srv/webui/config.json", "C:config.json", "C:\\webui\\config.json"),
        *("config.json.", "config.json::$DATA", "config.json.bak", "outputs/../config.json", "data/secrets.json"),
        *("cache.json", "cache/x/y.val", "./cache/x", "a/../cache/x", "/srv/webui/cache/hashes/cache.db"),
        *("webui-user.sh", "webui-user.bat", "sdnext.log", "config_states/a.json"),
    ],
)
def test_it_is_closed_however_it_is_spelled(file: str) -> None:
    assert is_closed(file)


@pytest.mark.parametrize(
    "file",
    [
        *("style.css", "html/card-no-preview.png", "extensions/a/my-config.json", "config/a.png", "data/themes.json"),
        *("/tmp/gradio/cache/a.png", "outputs/config.jpg", "models/Lora/a.safetensors"),
    ],
)
def test_what_pages_fetch_is_open(file: str) -> None:
    assert not is_closed(file)
