"""The page of all keys, on which each is explained."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from pydantic_core import PydanticUndefined

from gateway.settings.load import json_schema, load
from gateway.settings.model import PoolSettings, Settings
from gateway.settings.reference import EXAMPLES, keys, markdown, sections, whole

ROOT = Path(__file__).parents[2]
KEYS = dict(keys())


def test_the_page_is_current() -> None:
    """`gateway schema --markdown > config/README.md` makes it so."""
    assert (ROOT / "config/README.md").read_text() == markdown()


def test_each_configuration_that_comes_with_it_is_on_the_page() -> None:
    assert set(re.findall(r"\]\((.*?\.yaml)\)", markdown())) == {path.name for path in (ROOT / "config").glob("*.yaml")}


def test_the_configuration_in_one_piece_is_the_default_one(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(whole())
    told = load(file, {})
    pool = told.pools["stable-diffusion"]
    assert pool == PoolSettings(backends=pool.backends)
    assert told == Settings(pools=told.pools)


def keys_in(text: str) -> set[str]:
    """Paths of the keys on the lines of a file, those in comments included."""
    found, above = set[str](), list[tuple[int, str]]()
    for line in text.splitlines():
        match = re.match(r"( *)(?:# ( *))?([\w-]+):", line)
        assert match is not None, line
        depth = len(match[1]) + len(match[2] or "")
        above = [*((at, name) for at, name in above if at < depth), (depth, match[3])]
        found.add(".".join(name for _, name in above).replace("stable-diffusion", "NAME"))
    return found


def test_the_configuration_in_one_piece_has_each_key() -> None:
    inside = ("pools.NAME.backends.", "pools.NAME.rules.", "pools.NAME.scaling.kubernetes.")  # shown on a line
    assert {key for key in KEYS if not key.startswith(inside)} - keys_in(whole()) == set()


def properties_of(schema: dict[str, Any], where: str) -> list[tuple[str, dict[str, Any]]]:
    return [(f"{where}.{name}", each) for name, each in schema.get("properties", {}).items()]


def test_each_key_of_the_schema_says_what_it_means() -> None:
    schema = json_schema()
    found = properties_of(schema, "")
    for name, section in schema["$defs"].items():
        found += properties_of(section, name)

    assert len(found) > 100
    explained = {f"#/$defs/{name}" for name, section in schema["$defs"].items() if section.get("description")}
    assert [key for key, each in found if not each.get("description") and each.get("$ref") not in explained] == []


def test_no_key_is_explained_in_the_words_of_this_language() -> None:
    """Its readers write YAML, where `None` is a word like any other."""
    texts = [field.description or "" for _, field in KEYS.items()] + [
        section.__doc__ or "" for _, section in sections()
    ]
    assert [text for text in texts if re.search(r"\bNone\b|\bTrue\b|\bFalse\b", text)] == []


def test_each_key_without_a_default_has_an_example_and_no_other_key_is_named() -> None:
    without = {key for key, field in KEYS.items() if field.default in (None, PydanticUndefined, (), {})}
    assert without - EXAMPLES.keys() == set()
    assert EXAMPLES.keys() - KEYS.keys() == set()


def test_examples_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    values: dict[str, Any] = {"pools": {"NAME": {}}}
    kinds = ("dns", "processes", "kubernetes", "knative")
    for key, example in EXAMPLES.items():
        *path, last = key.split(".")
        if (path[:3] == ["pools", "NAME", "backends"] and path[3:] != []) or key.endswith(("token_env", "keys_env")):
            continue  # one source of backends, and one place for each secret, is all that a file may have
        if key.endswith("_file") or key == "pools.NAME.scaling.kubernetes.deployment":
            continue
        at = values
        for step in path:
            at = at.setdefault(step, {})
        at[last] = yaml.safe_load(example)
    values["pools"]["NAME"]["rules"] = [values["pools"]["NAME"]["rules"]]
    file.write_text(yaml.safe_dump(values))
    assert load(file, {"SD_LOGIN": "me:secret"}).pools["NAME"].rules[0].match == "GET /foo/*"
    for kind in kinds:
        its = {
            key.rpartition(".")[2]: yaml.safe_load(text) for key, text in EXAMPLES.items() if f"backends.{kind}." in key
        }
        file.write_text(yaml.safe_dump({"pools": {"sd": {"backends": {kind: its}}}}))
        assert load(file, {}).pools["sd"].backends


def test_sections_of_comments_alone_can_be_taken_out_of_them(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(re.sub(r"(?m)^( *)# (session:|  keys_env|probe:|  headers)", r"\1\2", whole()))
    told = load(file, {"SESSION_KEYS": "k" * 32, "SD_LOGIN": "bWU6eA=="})
    assert told.session.keys_env == "SESSION_KEYS"
    assert told.pools["stable-diffusion"].probe.headers == {"Authorization": "Basic bWU6eA=="}
