"""The stand-in as a process: it boots after its port is open, works on for a client that left, ends at a signal."""

from __future__ import annotations

import contextlib
import json
import signal
import socket

import httpx
import pytest
from websockets.sync.client import connect

from gateway.demo.a1111.functions import GENERATE
from tests.doubles.stand_in_process import StandInProcess, stand_in_process

#: As AUTOMATIC1111 1.10.1 answers with --nowebui.
NOWEBUI = {"/sdapi/v1/progress": 200, "/internal/profile-startup": 404, "/config": 404, "/": 404}


def test_the_port_opens_before_the_api_is_there() -> None:
    with stand_in_process("--boot", "3600", "--fragile", "0") as pod:
        assert httpx.get(f"{pod.url}/sdapi/v1/progress", trust_env=False).status_code == 404
        assert "stand-in" in httpx.get(pod.url, trust_env=False).text


def test_a_request_just_after_the_port_has_opened_ends_it_and_a_connection_does_not() -> None:
    with stand_in_process("--boot", "3600", "--fragile", "3600") as pod:
        socket.create_connection(pod.address).close()
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{pod.url}/internal/ping", trust_env=False)
        assert pod.process.wait(timeout=30) == 1
        pod.until("RuntimeError: Cannot add middleware after an application has started")


def test_without_the_page_all_is_built_when_the_port_opens() -> None:
    with stand_in_process("--boot", "0", "--nowebui") as pod:
        found = {path: httpx.get(f"{pod.url}{path}", trust_env=False).status_code for path in NOWEBUI}
        assert found == NOWEBUI


def test_a_client_that_leaves_stops_nothing() -> None:
    with stand_in_process("--boot", "0", "--work", "3600") as pod, httpx.Client(trust_env=False) as client:
        pod.until("Startup time")
        leave_while_it_works(pod)
        second = client.post(f"{pod.url}/sdapi/v1/txt2img", json={})
        assert (second.status_code, second.headers["x-stand-in"]) == (500, "a1111")
        client.post(f"{pod.url}/sdapi/v1/interrupt")
        while pod.stats()["running"]:
            pass
        assert (pod.stats()["served"], pod.stats()["two_at_once"]) == (1, 1)


def leave_while_it_works(pod: StandInProcess) -> None:
    with contextlib.closing(socket.create_connection(pod.address)) as client:
        client.sendall(b"POST /sdapi/v1/txt2img HTTP/1.1\r\nHost: pod\r\nContent-Length: 2\r\n\r\n{}")
        while not pod.stats()["running"]:
            pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_whatever_it_does(number: signal.Signals) -> None:
    with stand_in_process("--boot", "0", "--work", "3600") as pod:
        pod.until("Startup time")
        leave_while_it_works(pod)
        pod.process.send_signal(number)
        assert pod.process.wait(timeout=30) == 0


def test_it_can_be_told_to_die_where_the_boot_would_be_over() -> None:
    with stand_in_process("--boot", "0", "--die-after-boot", "7") as pod:
        pod.until("RuntimeError: no GPU came up")
        assert pod.process.wait(timeout=30) == 7


def test_a_click_on_the_page_paints_through_a_real_websocket() -> None:
    with stand_in_process("--boot", "0", "--work", "0", "--queue") as pod:
        pod.until("Startup time")
        with connect(pod.url.replace("http", "ws") + "/queue/join", proxy=None) as page:
            hello = {"fn_index": GENERATE, "session_hash": "s1"}
            assert json.loads(page.recv())["msg"] == "send_hash"
            page.send(json.dumps(hello))
            assert json.loads(page.recv())["msg"] == "estimation"
            assert json.loads(page.recv())["msg"] == "send_data"
            page.send(json.dumps(hello | {"data": ["task(a)", "a dog"]}))
            assert json.loads(page.recv())["msg"] == "process_starts"
            completed = json.loads(page.recv())
            assert completed["success"]
            [[picture]] = completed["output"]["data"]
        fetched = httpx.get(f"{pod.url}/file={picture['name']}", trust_env=False)
        assert (fetched.status_code, fetched.content[:4]) == (200, b"\x89PNG")
        asked = httpx.post(f"{pod.url}/internal/progress", json={"id_task": "task(a)"}, trust_env=False)
        assert asked.json()["completed"]
