"""Gradio 3's queue, in its server's words."""

from __future__ import annotations

import json

import pytest

from gateway.dialogues.gradio_socket import (
    LONGEST_HASH,
    QUEUE_FULL,
    Said,
    estimation,
    failed,
    has_no_output,
    is_hash,
    said,
)


@pytest.mark.parametrize(
    ("message", "means"),
    [
        (b'{"msg":"send_hash"}', Said.WANTS_HASH),
        (b' { "msg" : "send_data" }', Said.WANTS_DATA),
        (QUEUE_FULL, Said.FULL),
        (b'{"success":true,"msg":"process_completed"}', Said.COMPLETED),
        (b'{"msg":"process_completed","output":{"data":["' + b"A" * 100_000, Said.COMPLETED),
        (b'{"msg":"process_starts"}', Said.OTHER),
        (b'{"msg":"progress","progress_data":[{"desc":"process_completed"}]}', Said.OTHER),
        (b'{"output":{"data":["' + b"A" * 100_000 + b'"]},"msg":"process_completed"}', Said.OTHER),
        *((odd, Said.OTHER) for odd in (b"", b"[]", b'{"msg":7}', b"{}", b"\xff", b"[" * 4000)),
    ],
)
def test_what_a_pods_message_means(message: bytes, means: Said) -> None:
    assert said(message) is means


@pytest.mark.parametrize(
    ("message", "answers"),
    [
        (b'{"fn_index":3,"session_hash":"abc"}', True),
        *((odd, False) for odd in (b"", b"abc", b"[]", b'{"fn_index":3}', b'{"session_hash":"' + b"a" * LONGEST_HASH)),
    ],
)
def test_what_answers_the_question_for_the_hash(message: bytes, answers: bool) -> None:
    assert is_hash(message) is answers


@pytest.mark.parametrize(
    ("output", "nothing"),
    [
        ({"data": [], "is_generating": False, "duration": 0.01}, True),
        ({"data": [None]}, False),
        ({"data": ["A" * 100_000]}, False),
        ({"error": "out of memory"}, False),
        (None, False),
    ],
)
def test_a_function_that_gave_the_page_nothing(output: object, nothing: bool) -> None:
    assert has_no_output(json.dumps({"msg": "process_completed", "output": output}).encode()) is nothing


def test_a_place_in_line_as_the_page_counts() -> None:
    told = json.loads(estimation(3, 5, wait=40.0, longest=60.0, service=20.0))
    assert told == {
        "msg": "estimation",
        "rank": 2,
        "queue_size": 5,
        "avg_event_process_time": 20.0,
        "avg_event_concurrent_process_time": None,
        "rank_eta": 40.0,
        "queue_eta": 60.0,
    }


def test_one_of_which_nothing_is_known() -> None:
    told = json.loads(estimation(1, 0))
    assert (told["rank"], told["queue_size"], told["rank_eta"], told["queue_eta"]) == (0, 1, None, 0.0)


def test_an_error_is_the_events_end() -> None:
    assert json.loads(failed('no "room"')) == {
        "msg": "process_completed",
        "output": {"error": 'no "room"'},
        "success": False,
    }
