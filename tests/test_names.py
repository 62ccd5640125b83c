"""One name for one thing, however it is spelled."""

from __future__ import annotations

from gateway.names import EVENT, SESSION, file_name, prompt_name


def test_a_folder_is_the_same_with_and_without_slashes_around_it() -> None:
    assert file_name("a.png", "/x/y/", "temp") == file_name("a.png", "x/y", "temp") == "file:temp/x/y/a.png"


def test_things_of_one_id_have_different_names() -> None:
    assert len({prompt_name("1"), file_name("1", "", "output"), f"{SESSION}1", f"{EVENT}1"}) == 4
