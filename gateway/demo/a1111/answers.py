"""The shapes of A1111's answers, from a wish and a pretended GPU. Pure: nothing here waits or opens anything."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from gateway.demo.png import paint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.demo.a1111.wish import Wish
    from gateway.demo.gpu import Gpu, Job

_DEFAULTS = {"prompt": "", "seed": -1, "steps": 50, "width": 512, "height": 512, "sampler_index": "Euler"}


def images(wish: Wish) -> list[str]:
    """The pictures wished for, as base64 of PNG. Takes some milliseconds for each."""
    pictures = (
        paint(wish.prompt, seed, wish.width, wish.height, description=_infotext(wish, seed)) for seed in wish.seeds
    )
    return [base64.b64encode(picture).decode() for picture in pictures]


def generation(wish: Wish, fields: Mapping[str, object], painted: Sequence[str], model: str) -> dict[str, object]:
    """What txt2img and img2img answer: the pictures, the request as it was understood, and a string of JSON, which
    names the model that painted."""
    return {"images": painted, "parameters": _DEFAULTS | dict(fields), "info": json.dumps(_info(wish, model))}


def progress(job: Job | None, preview: bool) -> dict[str, object]:
    """How far the running job is; all zeros while idle, which is how the real one says that it is idle."""
    return {
        "progress": min(0.01 + job.part, 1.0) if job else 0.0,
        "eta_relative": job.seconds_left if job else 0.0,
        "state": _state(job),
        "current_image": base64.b64encode(paint(job.task, 0, 64, 64)).decode() if job and preview else None,
        "textinfo": None,
    }


def task_progress(gpu: Gpu, task: str) -> dict[str, object]:
    """How far the task of that name is, in the shape of /internal/progress."""
    job = gpu.job if gpu.job is not None and gpu.job.task == task else None
    queued = job is None and task in gpu.waiting
    in_queue = f"In queue: {gpu.waiting.index(task) + 1}/{len(gpu.waiting)}" if queued else "Waiting..."
    return {
        "active": job is not None,
        "queued": queued,
        "completed": task in gpu.ended,
        "progress": job.part if job else None,
        "eta": job.seconds_left if job else None,
        "live_preview": None,
        "id_live_preview": -1,
        "textinfo": None if job else in_queue,
    }


def stats(gpu: Gpu, started_at: float, reloads: int) -> dict[str, object]:
    """What only a stand-in tells: jobs done, jobs that came while one was running, jobs that were ended early, the time
    of its start (Unix), how often its page was reloaded."""
    return {
        "served": gpu.served,
        "two_at_once": gpu.two_at_once,
        "stopped": gpu.stopped,
        "started_at": started_at,
        "running": gpu.job is not None,
        "reloads": reloads,
    }


def failure(name: str, detail: str) -> dict[str, str]:
    """An error in the shape of A1111's own middleware."""
    return {"error": name, "detail": detail, "body": "", "errors": ""}


def _infotext(wish: Wish, seed: int) -> str:
    size = f"{wish.width}x{wish.height}"
    return f"{wish.prompt}\nSteps: {wish.steps}, Sampler: Euler, Seed: {seed}, Size: {size}, Model: stand-in"


def _info(wish: Wish, model: str) -> dict[str, object]:
    return {
        "prompt": wish.prompt,
        "all_prompts": [wish.prompt] * wish.pictures,
        "seed": wish.seed,
        "all_seeds": list(wish.seeds),
        "width": wish.width,
        "height": wish.height,
        "sampler_name": "Euler",
        "steps": wish.steps,
        "batch_size": wish.batch_size,
        "sd_model_name": model,
        "infotexts": [_infotext(wish, seed) for seed in wish.seeds],
    }


def _state(job: Job | None) -> dict[str, object]:
    return {
        "skipped": job.skipped if job else False,
        "interrupted": job.interrupted if job else False,
        "stopping_generation": False,
        "job": job.task if job else "",
        "job_count": 1 if job else 0,
        "job_timestamp": job.stamp if job else "0",
        "job_no": 0,
        "sampling_step": int(job.part * job.steps) if job else 0,
        "sampling_steps": job.steps if job else 0,
    }
