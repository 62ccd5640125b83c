"""One name for one thing, however it is spelled."""

from __future__ import annotations

from gateway.names import EVENT, SESSION, file_name, mcp_call_name, mcp_session_name, prompt_name, session_of_call


def test_a_folder_is_the_same_with_and_without_slashes_around_it() -> None:
    assert file_name("a.png", "/x/y/", "temp") == file_name("a.png", "x/y", "temp") == "file:temp/x/y/a.png"


def test_things_of_one_id_have_different_names() -> None:
    assert len({prompt_name("1"), file_name("1", "", "output"), f"{SESSION}1", f"{EVENT}1", mcp_session_name("1")}) == 5


def test_a_call_is_of_its_session_whatever_its_id_and_1_is_not_the_text_1() -> None:
    session = mcp_session_name("ab")
    calls = [mcp_call_name(session, request_id) for request_id in (1, "1", "a:b", "")]
    assert (len(set(calls)), {session_of_call(call) for call in calls}) == (4, {session})
