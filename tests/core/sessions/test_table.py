"""Sessions, their homes, and how many each backend has."""

from __future__ import annotations

from gateway.core.sessions.table import SessionTable


def ids(table: SessionTable) -> list[str]:
    return [session.id for session in table.newest()]


def test_the_home_a_cookie_names_counts_once_and_then_the_table_knows_better() -> None:
    table = SessionTable(capacity=10, ttl=100)
    table.touch("s", "gpu-1", now=0)
    session = table.touch("s", "gpu-2", now=1)
    assert (session.home, table.at_home("gpu-1"), table.at_home("gpu-2")) == ("gpu-1", 1, 0)

    table.move(session, "gpu-2")
    assert (table.at_home("gpu-1"), table.at_home("gpu-2")) == (0, 1)


def test_a_session_may_have_no_home_yet() -> None:
    table = SessionTable(capacity=10, ttl=100)
    session = table.touch("s", None, now=0)
    assert (len(table), table.changed) == (1, set())
    table.move(session, "gpu-1")
    assert (table.at_home("gpu-1"), table.changed) == (1, {"gpu-1"})


def test_it_lives_until_ttl_seconds_after_it_was_last_seen() -> None:
    table = SessionTable(capacity=10, ttl=100)
    table.touch("a", "gpu-1", now=0)
    table.touch("b", "gpu-1", now=10)
    table.touch("a", "gpu-1", now=50)
    assert (ids(table), table.oldest_seen()) == (["a", "b"], 10)

    table.expire(109.9)
    assert ids(table) == ["a", "b"]
    table.expire(110)
    assert (ids(table), table.at_home("gpu-1"), table.get("b")) == (["a"], 1, None)
    table.expire(150)
    assert (ids(table), table.oldest_seen()) == ([], None)


def test_asking_does_not_prolong() -> None:
    table = SessionTable(capacity=10, ttl=100)
    table.touch("s", "gpu-1", now=0)
    table.get("s")
    table.expire(100)
    assert len(table) == 0


def test_the_least_recently_seen_makes_room() -> None:
    table = SessionTable(capacity=2, ttl=100)
    for now, session in enumerate(["a", "b", "a", "c"]):
        table.touch(session, f"home-of-{session}", now)
    assert ids(table) == ["c", "a"]
    assert (table.at_home("home-of-a"), table.at_home("home-of-b")) == (1, 0)


def test_who_has_won_or_lost_a_session_is_noted() -> None:
    table = SessionTable(capacity=1, ttl=100)
    table.touch("a", "gpu-1", now=0)
    table.touch("b", "gpu-2", now=1)
    assert table.changed == {"gpu-1", "gpu-2"}
