"""One request, by its name."""

from __future__ import annotations

from gateway.core.records.lanes import Lane
from gateway.core.views.explain import Explained, explain
from tests.core.playbook import Playbook


def test_one_in_line_has_a_place_and_meets_what_is_there_now() -> None:
    p = Playbook("gpu-1", "gpu-2", limit=1)
    for name in "abcde":
        p.arrive(name)
        if name in "ab":
            p.granted(name)
    p.leave("c")
    p.drain("gpu-2")
    assert explain(p.pool, "e", p.now) == Explained(
        "e", "pool", "waiting", 2, None, "counted; came as number 3 in line; gpu-1 busy, gpu-2 draining"
    )


def test_one_at_work_says_where() -> None:
    p = Playbook("gpu-1")
    p.arrive("a", rule="POST /paint")
    p.granted("a")
    p.arrive("page", Lane.EXEMPT)
    p.granted("page")
    assert explain(p.pool, "a", p.now) == Explained("a", "pool", "working", None, "gpu-1", "counted by POST /paint")
    assert explain(p.pool, "page", p.now) == Explained("page", "pool", "working", None, "gpu-1", "exempt")


def test_who_waits_for_a_first_backend_has_no_place() -> None:
    p = Playbook()
    p.arrive("page", Lane.EXEMPT)
    assert explain(p.pool, "page", p.now) == Explained(
        "page", "pool", "waiting", None, None, "exempt; came as number 1 in line; there was no backend"
    )


def test_nobody() -> None:
    assert explain(Playbook("gpu-1").pool, "x", 0) is None
