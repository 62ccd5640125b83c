"""The page, the files it is made of, and the policy it comes with."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

from gateway.ops import page

FILES = page.files()


def test_everything_that_it_names_is_here_and_nothing_comes_from_elsewhere() -> None:
    html = FILES[page.PAGE][0].decode()
    named = re.findall(r"(?:href|src)=\"([^\"#]+)\"", html)
    assert {name for name in named if not name.startswith("static/")} == {
        *("api/snapshot", "metrics", "healthz", "readyz")
    }
    assert [name for name in named if name.startswith("static/") and name[7:] not in FILES] == []
    for name, (content, _) in FILES.items():
        for imported in re.findall(r"from \"\./([^\"]+)\"", content.decode()):
            assert imported in FILES, f"{imported}, which {name} wants"
        assert set(re.findall(r"https?://[^\"<\s]+", content.decode())) <= {"http://www.w3.org/2000/svg"}, name


def test_no_script_and_no_style_stands_in_it() -> None:
    html = FILES[page.PAGE][0].decode()
    assert re.findall(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", html) == []
    assert "unsafe" not in page.POLICY
    assert page.POLICY.startswith("default-src 'none'")


def test_nothing_that_is_shown_can_become_markup() -> None:
    for name, (content, _) in FILES.items():
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", content.decode()), name


def test_its_files_are_part_of_the_package() -> None:
    (pattern,) = tomllib.loads((Path(page.__file__).parents[2] / "pyproject.toml").read_text())["tool"]["setuptools"][
        "package-data"
    ]["gateway.ops"]
    assert all(fnmatch(f"static/{name}", pattern) for name in FILES)
