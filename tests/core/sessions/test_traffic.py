"""Percentages, tags and sessions: who goes to which revision."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.sessions.traffic import Split

VISITORS = [f"visitor-{number}" for number in range(10_000)]

#: Of 10,000 visitors: more than four standard deviations of any share.
NEARLY = 200


def shares_of(split: Split) -> Counter[str | None]:
    return Counter(map(split.choose, VISITORS))


def moves(before: Split, after: Split) -> Counter[tuple[str | None, str | None]]:
    pairs = ((before.choose(visitor), after.choose(visitor)) for visitor in VISITORS)
    return Counter((old, new) for old, new in pairs if old != new)


def test_newcomers_are_shared_out_by_percent() -> None:
    counted = shares_of(Split({"old": 70, "new": 20, "newest": 10}))
    for revision, expected in {"old": 7000, "new": 2000, "newest": 1000}.items():
        assert abs(counted[revision] - expected) < NEARLY


def test_one_that_has_it_all_gets_all() -> None:
    assert shares_of(Split({"only": 100, "retired": 0})) == {"only": 10_000}


def test_nobody_gets_what_nobody_takes() -> None:
    assert Split({}).choose("anna") is None
    assert Split({"retired": 0}).choose("anna") is None
    assert Split({}).revision_for("anna", tagged="gone", known="gone") is None


def test_the_order_of_the_listing_does_not_matter() -> None:
    one, other = Split({"a": 50, "b": 30, "c": 20}), Split({"c": 20, "a": 50, "b": 30})
    assert moves(one, other) == {}


def test_the_choice_is_the_same_in_every_process_and_version() -> None:
    split = Split({"old": 50, "new": 50})
    assert [split.choose(name) for name in ("anna", "bert", "carl", "dora", "emil", "frida")] == [
        "new",
        "old",
        "new",
        "new",
        "new",
        "old",
    ]


def test_a_greater_share_takes_from_the_others_and_gives_to_none_of_them() -> None:
    moved = moves(Split({"a": 45, "b": 45, "new": 10}), Split({"a": 40, "b": 40, "new": 20}))
    assert {new for _, new in moved} == {"new"}
    assert abs(moved.total() - 1000) < NEARLY


def test_who_loses_its_share_leaves_the_others_visitors_alone() -> None:
    moved = moves(Split({"a": 50, "b": 30, "c": 20}), Split({"a": 50, "b": 30, "c": 0}))
    assert {old for old, _ in moved} == {"c"}


def test_a_tag_goes_before_a_session_and_a_session_before_a_share() -> None:
    split = Split({"old": 100, "new": 0, "preview": 0})
    assert split.revision_for("anna") == "old"
    assert split.revision_for("anna", known="new") == "new"
    assert split.revision_for("anna", known="new", tagged="preview") == "preview"


def test_a_revision_that_has_no_traffic_any_more_keeps_nobody() -> None:
    split = Split({"new": 100})
    assert split.revision_for("anna", known="gone", tagged="gone") == "new"


@given(st.dictionaries(st.text(), st.integers(0, 100)), st.text())
def test_whoever_is_chosen_has_a_share(shares: dict[str, int], key: str) -> None:
    chosen = Split(shares).choose(key)
    assert chosen is None if not any(shares.values()) else shares[chosen or ""] > 0
