"""What is known of AUTOMATIC1111."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from gateway.core.records.lanes import Lane, WhenBusy
from gateway.profiles.a1111 import a1111
from gateway.profiles.rules import rule

if TYPE_CHECKING:
    from gateway.profiles.treatment import Treatment

HEAVY = [
    *("POST /sdapi/v1/txt2img", "POST /sdapi/v1/img2img", "POST /sdapi/v1/extra-single-image"),
    *("POST /sdapi/v1/interrogate", "POST /sdapi/v1/train/embedding", "POST /sdapi/v1/options"),
    *("POST /sdapi/v1/unload-checkpoint", "POST /sdapi/v1/something-new", "GET /sdapi/v1/something-new"),
    *("GET /queue/join", "POST /queue/join", "POST /run/predict", "POST /api/predict", "POST /controlnet/detect"),
]
LIGHT = [
    *("GET /", "HEAD /", "GET /file=/tmp/a.png", "GET /assets/index-1.js", "GET /config", "POST /upload"),
    *("GET /file=%2Ftmp%2Fa%20b.png", "GET /file=C%3A%5Ctmp%5Ca.png"),
    *("GET /sdapi/v1/options", "GET /sdapi/v1/sd-models", "POST /sdapi/v1/refresh-checkpoints"),
    *("GET /internal/quicksettings-hint", "GET /sd_extra_networks/thumb", "OPTIONS /sdapi/v1/txt2img"),
    *("POST /sdapi/v1/png-info", "GET /controlnet/model_list", "GET /adetailer/v1/ad_model", "GET /sam/sam-model"),
    *("GET /tagger/v1/interrogators", "POST /infinite_image_browsing/db/search_by_substr", "GET /what/nobody/knows"),
    *("GET /internal/profile-startup", "GET /file=outputs%2Ftxt2img-images%2Fa.png", "GET /file=C%3A%5Cout%5Ca.png"),
    *("GET /file=extensions/x/style.css?1", "GET /file=/tmp/gradio/1/config.png", "GET /file=html/licenses.html"),
]
POLLED = [
    *("GET /sdapi/v1/progress", "POST /internal/progress", "GET /internal/ping", "GET /queue/status"),
    *("POST /sdapi/v1/interrupt", "POST /sdapi/v1/skip", "GET /robots.txt", "GET /.well-known/security.txt"),
]
FORBIDDEN = [
    *("POST /sdapi/v1/server-kill", "POST /sdapi/v1/server-restart", "POST /sdapi/v1/server-stop"),
    *("GET /internal/sysinfo", "GET /internal/sysinfo-download"),
    *("GET /sdapi/v1/cmd-flags", "GET /file=config.json", "GET /file=ui-config.json", "GET /file/config.json"),
    *("GET /file=/srv/webui/config.json", "GET /file=C:/webui/config.json", "GET /file=cache/hashes/cache.db"),
    *("GET /file=/srv/webui/cache/hashes/cache.db", "GET /file=cache.json", "GET /file=webui-user.sh"),
    "GET /file=config_states/today.json",
]


def treated(request: str) -> Treatment:
    method, path = request.split(" ")
    return a1111().treat(method, path.encode())


@pytest.mark.parametrize(
    ("requests", "lane"),
    [(HEAVY, Lane.COUNTED), (LIGHT, Lane.EXEMPT), (POLLED, Lane.PASSIVE), (FORBIDDEN, Lane.DENIED)],
)
def test_lanes(requests: list[str], lane: Lane) -> None:
    assert {request: treated(request).lane for request in requests} == dict.fromkeys(requests, lane)


def test_the_apis_calls_spill_and_what_speaks_of_a_pods_state_waits() -> None:
    assert treated("POST /sdapi/v1/txt2img").when_busy is WhenBusy.SPILL
    assert treated("POST /sdapi/v1/something-new").when_busy is WhenBusy.SPILL
    assert treated("POST /queue/join").when_busy is WhenBusy.WAIT
    assert treated("POST /sdapi/v1/options").when_busy is WhenBusy.WAIT


@pytest.mark.parametrize(
    ("path", "may_go_on"),
    [
        *((f"/sdapi/v1/{known}", False) for known in ("txt2img", "extra-single-image", "interrogate", "png-info")),
        *(
            (unknown, True)
            for unknown in ("/agent-scheduler/v1/queue/txt2img", "/sdapi/v1/own", "/deforum_api/batches")
        ),
    ],
)
def test_work_may_go_on_behind_the_answer_of_a_route_that_is_not_known(path: str, may_go_on: bool) -> None:
    assert a1111().treat("POST", path.encode()).may_go_on is may_go_on


def test_configured_rules_go_before_the_profiles_save_for_what_it_denies() -> None:
    profile = a1111([rule("POST /sdapi/v1/*", Lane.EXEMPT), rule("GET /", Lane.DENIED)])
    assert profile.treat("POST", b"/sdapi/v1/txt2img").lane is Lane.EXEMPT
    assert profile.treat("POST", b"/sdapi/v1/server-kill").lane is Lane.DENIED
    assert profile.treat("GET", b"/").lane is Lane.DENIED


def progress(job: str = "", job_count: int = 0) -> bytes:
    return json.dumps({"progress": 0.0, "state": {"job": job, "job_count": job_count}}).encode()


def test_it_is_ready_when_the_api_answers_and_not_when_only_the_port_is_open() -> None:
    readiness = a1111().readiness
    assert readiness.kind == "http"
    assert readiness.light
    assert readiness.accepts(200, progress())
    assert readiness.accepts(200, progress(job="txt2img", job_count=1))
    assert not readiness.accepts(404, b'{"detail":"Not Found"}')
    assert not readiness.accepts(200, b"<html>progress</html>")


@pytest.mark.parametrize(
    ("status", "body", "idle"),
    [
        (200, progress(), True),
        (200, progress(job="scripts_txt2img", job_count=1), False),
        (200, progress(job_count=-1), False),  # begins
        (200, progress(job="extras"), False),
        (500, progress(), False),
        (200, b'{"progress": 0}', False),
        (200, b'["state"]', False),
        (200, b"", False),
        (200, b"[" * 100_000, False),
    ],
)
def test_it_is_idle_only_when_it_says_so(status: int, body: bytes, idle: bool) -> None:
    probe = a1111().idle
    assert probe is not None
    assert probe.says_idle(status, body) is idle


def test_it_can_be_interrupted() -> None:
    interrupt = a1111().interrupt
    assert interrupt is not None
    assert (interrupt.method, interrupt.path) == ("POST", "/sdapi/v1/interrupt")


def test_a_page_that_is_closed_does_not_stop_it() -> None:
    assert a1111().works_after_disconnect
