"""What is fuzzed: by name, a property of one of our parsers, and inputs to start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.fuzz import answers, lane_rules, request_heads, request_targets, session_cookies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


class Target(NamedTuple):
    """`check` raises whatever is wrong; everything it does not raise is as it should be."""

    check: Callable[[bytes], None]
    seeds: Sequence[bytes]


TARGETS = {
    "request_heads": Target(request_heads.check, request_heads.SEEDS),
    "session_cookies": Target(session_cookies.check, session_cookies.SEEDS),
    "request_targets": Target(request_targets.check, request_targets.SEEDS),
    "answers": Target(answers.check, answers.SEEDS),
    "lane_rules": Target(lane_rules.check, lane_rules.SEEDS),
}
