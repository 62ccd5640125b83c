"""The stand-in as a process, spoken to as a page does."""

from __future__ import annotations

import json
import signal

import httpx
from websockets.sync.client import connect

from tests.demo.comfyui.test_jobs import GRAPH
from tests.doubles.stand_in_process import stand_in_process


def test_a_page_hears_of_its_prompt_to_the_end() -> None:
    with (
        stand_in_process("--boot", "0", "--work", "0", kind="comfyui") as pod,
        connect(pod.url.replace("http", "ws") + "/ws?clientId=c1", proxy=None) as page,
    ):
        assert json.loads(page.recv())["data"]["sid"] == "c1"
        answer = httpx.post(f"{pod.url}/prompt", json={"prompt": GRAPH, "client_id": "c1"}, trust_env=False)
        assert answer.headers["x-stand-in"] == "comfyui"
        heard = []
        while "execution_success" not in heard:
            heard.append(json.loads(page.recv(timeout=30))["type"])
        assert "executed" in heard
        assert pod.stats()["served"] == 1


def test_a_signal_ends_it_while_it_works() -> None:
    with stand_in_process("--boot", "0", "--work", "3600", kind="comfyui") as pod:
        httpx.post(f"{pod.url}/prompt", json={"prompt": GRAPH}, trust_env=False)
        pod.process.send_signal(signal.SIGTERM)
        assert pod.process.wait(timeout=30) == 0
