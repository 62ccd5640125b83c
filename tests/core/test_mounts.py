"""What is taken off a path, and what is left of it to the profile."""

from __future__ import annotations

import pytest

from gateway.core.mounts import Mounts, without


@pytest.mark.parametrize(
    ("raw", "rest"),
    [
        (b"/sd/queue", b"/queue"),
        (b"/sd", b"/"),
        (b"/sd?x=1", b"/?x=1"),
        (b"/%73%44/queue", None),  # capitals are another path
        (b"/%73d/queue", b"/queue"),
        (b"/s%64", b"/"),
        (b"/sd%2fqueue", b"/%2fqueue"),  # ambiguous, and stays so
        (b"/sd//queue", b"//queue"),
        (b"/sdapi", None),
        (b"//sd/queue", None),
        (b"*", None),
    ],
)
def test_a_prefix_is_taken_off_however_it_is_spelled_and_the_rest_stays_as_it_was(
    raw: bytes, rest: bytes | None
) -> None:
    assert without("/sd", raw) == rest
    assert without("", raw) == raw


def test_dots_and_letters_beyond_ascii_are_themselves() -> None:
    assert without("/v1.0", b"/v1x0/a") is None
    assert without("/ü", b"/%C3%bc/a") == b"/a"
    assert Mounts((), ("/ü",)).root == "/%C3%BC"


def test_the_longest_counts() -> None:
    mounts = Mounts(("/a", "/a/b"), ("/x", "/x/y"))
    assert [mounts.prefix_of(raw) for raw in (b"/a/b/c", b"/a/c", b"/c")] == ["/a/b", "/a", ""]
    assert [mounts.below(raw) for raw in (b"/x/y/z", b"/x/z", b"/z")] == [b"/z", b"/z", None]
    assert mounts.root == "/x"


def test_a_prefix_that_a_pod_would_find_again_is_taken_off_again() -> None:
    assert Mounts(("/sd",)).below(b"/sd/s%64/queue") == b"/queue"
    assert Mounts(("/sd",), ("/app",)).below(b"/sd/app/queue") == b"/queue"
    assert Mounts((), ("/sd",)).below(b"/sd/sd/queue") == b"/sd/queue"


def test_nothing_said_is_the_root_of_everything() -> None:
    assert Mounts().prefix_of(b"/a") == ""
    assert Mounts().below(b"/a") == b"/a"
    assert Mounts().root == ""
    assert list(Mounts().readings_below(b"/a")) == []


@pytest.mark.parametrize("sent", [b"/SD/sdapi", b"/x/../sd/sdapi", b"//sd;a/sdapi", b"/sd/sd/sdapi", b"/sd%252fsdapi"])
@pytest.mark.parametrize("mounts", [Mounts((), ("/sd",)), Mounts(("/sd",))])
def test_what_some_pod_could_take_for_a_path_below_the_root(mounts: Mounts, sent: bytes) -> None:
    assert "/sdapi" in set(mounts.readings_below(sent))
