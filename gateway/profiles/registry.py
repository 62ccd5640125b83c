"""Profiles by the names that the configuration uses: those that ship, and `package.module:function` for one of the
user's own (see `DESIGN.md` here).
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from gateway.profiles.a1111 import a1111
from gateway.profiles.comfyui import comfyui
from gateway.profiles.forge import forge
from gateway.profiles.generic import generic
from gateway.profiles.gradio import gradio
from gateway.profiles.gradio3 import gradio3
from gateway.profiles.sdnext import sdnext
from gateway.profiles.treatment import Profile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gateway.profiles.rules import Rule

PROFILES: dict[str, Callable[[Iterable[Rule]], Profile]] = {
    "generic": generic,
    "a1111": a1111,
    "forge": forge,
    "sdnext": sdnext,
    "comfyui": comfyui,
    "gradio": gradio,
    "gradio3": gradio3,
}


def profile(name: str, extra_rules: Iterable[Rule] = ()) -> Profile:
    """The profile of that name. `extra_rules` go before its own, save that rules that deny always come first.
    Raises ValueError for a name that is not known, or leads to no function that makes a profile."""
    if name in PROFILES:
        return PROFILES[name](extra_rules)
    if ":" not in name:
        raise ValueError(f"one of {', '.join(PROFILES)}, or package.module:function")
    return _own(name, extra_rules)


def _own(name: str, extra_rules: Iterable[Rule]) -> Profile:
    module, _, function = name.partition(":")
    try:
        made = getattr(importlib.import_module(module), function)(extra_rules)
    except (ImportError, AttributeError, SyntaxError, TypeError, ValueError) as error:
        raise ValueError(f"a function that makes a profile ({error})") from error
    if not isinstance(made, Profile):
        raise ValueError("a function that makes a profile (it returns something else)")
    return made
