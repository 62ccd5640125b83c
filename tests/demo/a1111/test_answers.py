"""Answers have the real one's fields, and what they say of a job is true."""

from __future__ import annotations

import base64
import json

from gateway.demo.a1111 import answers
from gateway.demo.a1111.wish import Wish
from gateway.demo.gpu import Gpu, Job


def test_a_generation_says_what_it_painted() -> None:
    fields: dict[str, object] = {"prompt": "dog", "seed": 5, "batch_size": 2, "width": 8, "height": 8, "extra": [1]}
    wish = Wish.of(fields)
    painted = answers.images(wish)
    answer = answers.generation(wish, fields, painted, "b")
    assert [base64.b64decode(image)[:4] for image in painted] == [b"\x89PNG"] * 2
    assert painted[0] != painted[1]
    assert answer["images"] == painted
    assert answer["parameters"] == fields | {"steps": 50, "sampler_index": "Euler"}
    info = answer["info"]
    assert isinstance(info, str)
    assert (json.loads(info)["all_seeds"], json.loads(info)["sd_model_name"]) == ([5, 6], "b")
    assert json.loads(info)["infotexts"][1].startswith("dog\nSteps: 50, Sampler: Euler, Seed: 6, Size: 8x8")


def test_progress_of_an_idle_server_is_all_zeros() -> None:
    idle = answers.progress(None, preview=True)
    assert (idle["progress"], idle["eta_relative"], idle["current_image"]) == (0.0, 0.0, None)
    assert idle["state"] == {
        "skipped": False,
        "interrupted": False,
        "stopping_generation": False,
        "job": "",
        "job_count": 0,
        "job_timestamp": "0",
        "job_no": 0,
        "sampling_step": 0,
        "sampling_steps": 0,
    }


def test_progress_of_a_finished_job_is_whole() -> None:
    job = Job("txt2img", "task(a)", 20, 0.0, interrupted=True)
    done = answers.progress(job, preview=True)
    assert done["progress"] == 1.0
    state, image = done["state"], done["current_image"]
    assert isinstance(state, dict)
    assert isinstance(image, str)
    assert base64.b64decode(image)[:4] == b"\x89PNG"
    assert (
        state["job"],
        state["job_count"],
        state["sampling_step"],
        state["sampling_steps"],
        state["interrupted"],
    ) == (
        *("task(a)", 1, 20, 20),
        True,
    )


def test_task_progress_speaks_of_the_named_task_alone() -> None:
    gpu = Gpu()
    gpu.job = Job("txt2img", "task(a)", 20, 3600.0)
    gpu.ended.append("task(before)")
    assert answers.task_progress(gpu, "task(a)")["active"]
    other = answers.task_progress(gpu, "task(b)")
    assert (other["active"], other["completed"], other["progress"]) == (False, False, None)
    assert answers.task_progress(gpu, "task(before)")["completed"]
    gpu.waiting = ["task(c)", "task(b)"]
    assert answers.task_progress(gpu, "task(b)")["textinfo"] == "In queue: 2/2"
