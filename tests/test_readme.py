"""What README says of the configuration is so."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.settings import PoolSettings, Settings, load

README = Path(__file__).parent.parent / "README.md"


def test_the_configuration_in_readme_is_the_default_one(tmp_path: Path) -> None:
    [block] = re.findall(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)
    file = tmp_path / "config.yaml"
    file.write_text(block)
    told = load(file, {})
    pool = told.pools["stable-diffusion"]
    assert pool == PoolSettings(backends=pool.backends)
    assert told == Settings(pools=told.pools)
