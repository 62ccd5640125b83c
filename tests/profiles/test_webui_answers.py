"""What the web UI's page and the API's clients are told while a job is in line."""

from __future__ import annotations

import json

from gateway.profiles.treatment import ColdStart, Place
from gateway.profiles.webui_answers import OVER_TASK, held_progress, held_task, refusal, starting_task


def test_a_task_in_line_keeps_the_bar_and_shows_its_place() -> None:
    assert json.loads(held_task(Place(3, 5)).body) == {
        "active": False,
        "queued": True,
        "paused": False,
        "completed": False,
        "progress": None,
        "eta": None,
        "live_preview": None,
        "id_live_preview": -1,
        "textinfo": "In queue: 3/5",
        "job": "In queue: 3/5",
    }


def test_a_task_that_waits_for_a_pod_keeps_the_bar_too_before_it_is_in_line_and_in_it() -> None:
    said = json.loads(starting_task(ColdStart(left=12.5)).body)
    assert (said["queued"], said["completed"], said["textinfo"], said["eta"]) == (True, False, "Starting ...", 12.5)
    said = json.loads(held_task(Place(1, 2, start=ColdStart())).body)
    assert (said["textinfo"], said["eta"]) == ("Starting ... In queue: 1/2", None)


def test_a_task_that_was_not_begun_ends_the_bar() -> None:
    over = json.loads(OVER_TASK.body)
    assert (over["completed"], over["queued"], over["active"]) == (True, False, False)
    assert over.keys() == json.loads(held_task(Place(1, 1)).body).keys()


def test_a_place_is_never_behind_the_end_of_the_line() -> None:
    assert json.loads(held_task(Place(7, 5)).body)["textinfo"] == "In queue: 7/7"


def test_a_session_in_line_has_a_job_that_is_about_to_begin() -> None:
    said = json.loads(held_progress(Place(1, 2, wait=12.345)).body)
    assert (said["progress"], said["eta_relative"], said["textinfo"]) == (0.0, 12.3, "In queue: 1/2")
    assert (said["state"]["job_count"], said["current_image"]) == (-1, None)
    assert json.loads(held_progress(Place(1, 2)).body)["eta_relative"] == 0.0


def test_a_refusal_is_told_in_the_words_that_pages_and_programs_read() -> None:
    assert refusal("Queue full", "50 wait.") == {"error": "Queue full. 50 wait.", "errors": "50 wait."}
