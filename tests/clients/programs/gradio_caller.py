"""gradio_client, of whichever version it is run with: so many callers at once want so many pictures each of the studio,
each painted after the one before, and print a line of JSON for each picture.

    python gradio_caller.py URL --callers 3 --pictures 2
"""

from __future__ import annotations

import argparse
import inspect
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

os.environ.update(HF_HUB_OFFLINE="1", NO_PROXY="127.0.0.1")

import gradio_client
from gradio_client import Client
from PIL import Image

#: Seconds between two looks at a job's status.
_LOOK_EVERY = 0.1


def call(url: str, name: str, pictures: int) -> list[dict[str, Any]]:
    """One caller's pictures, one after another."""
    can_be_quiet = "verbose" in inspect.signature(Client).parameters
    client = Client(url, **({"verbose": False} if can_be_quiet else {}))
    painted: list[dict[str, Any]] = []
    for number in range(pictures):
        painted.append(_picture(client, f"{name}{number}", painted[-1]["file"] if painted else None))
    return painted


def _picture(client: Any, prompt: str, sketch: str | None) -> dict[str, Any]:
    sent = gradio_client.handle_file(sketch) if sketch and hasattr(gradio_client, "handle_file") else sketch
    job = client.submit(f"task({prompt})", prompt, sent, api_name="/paint")
    seen = set[str]()
    while not job.done():
        status = job.status()
        seen.add(status.code.name)
        time.sleep(_LOOK_EVERY)
    file, told = job.result()
    with Image.open(file) as image:
        colour = image.convert("RGB").tobytes()[:3].decode()
    return {"prompt": prompt, "told": told, "colour": colour, "seen": sorted(seen), "file": file}


def main() -> None:
    """All of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--callers", type=int, default=1)
    parser.add_argument("--pictures", type=int, default=1)
    options = parser.parse_args()
    with ThreadPoolExecutor(options.callers) as threads:
        calls = [
            threads.submit(call, options.url, chr(97 + number) * 2, options.pictures)
            for number in range(options.callers)
        ]
        for each in calls:
            for line in each.result():
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
