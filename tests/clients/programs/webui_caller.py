"""webuiapi: so many callers at once want so many pictures each of a web UI, look how far they are meanwhile, say "stop"
when they are done, which is nobody's business, and print a line of JSON for each picture.

    python webui_caller.py HOST PORT --callers 3 --pictures 2
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

os.environ["NO_PROXY"] = "127.0.0.1"

import webuiapi

#: Seconds between two looks at how far a picture is.
_LOOK_EVERY = 0.1


class Caller:
    """One, with cookies of its own."""

    def __init__(self, host: str, port: int, name: str) -> None:
        self._api = webuiapi.WebUIApi(host=host, port=port)
        self._name = name

    def pictures(self, count: int) -> list[dict[str, Any]]:
        """So many, one after another; each is painted over once more."""
        return [self._picture(f"{self._name}{number}") for number in range(count)]

    def _picture(self, prompt: str) -> dict[str, Any]:
        painted: list[Any] = []
        parts: list[float] = []
        places = set[str]()

        def paint() -> None:
            drawn = self._api.txt2img(prompt=prompt, seed=1, width=64, height=64)
            painted.extend([drawn, self._api.img2img(images=[drawn.image], prompt=prompt, seed=1, width=64, height=64)])

        painting = threading.Thread(target=paint)
        painting.start()
        while painting.is_alive():
            looked = self._api.get_progress()
            parts.append(looked["progress"])
            places.add(looked["textinfo"] or "")
            time.sleep(_LOOK_EVERY)
        self._api.interrupt()
        return {
            "prompt": prompt,
            "told": [each.info["prompt"] for each in painted],
            "sizes": [each.image.size for each in painted],
            "farthest": max(parts),
            "places": sorted(place for place in places if place.startswith("In queue: ")),
        }


def main() -> None:
    """All of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("--callers", type=int, default=1)
    parser.add_argument("--pictures", type=int, default=1)
    options = parser.parse_args()
    callers = [Caller(options.host, options.port, chr(97 + number) * 2) for number in range(options.callers)]
    with ThreadPoolExecutor(options.callers) as threads:
        for each in threads.map(lambda caller: caller.pictures(options.pictures), callers):
            for line in each:
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
