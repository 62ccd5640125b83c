"""The summary, line for line."""

from __future__ import annotations

from collections import Counter

from gateway.load.report import render
from gateway.load.result import LoadResult, PodCount, RequestResult


def test_a_good_run() -> None:
    ended = tuple(RequestResult(0.1 * number, 200, 1000, f"gpu-{number % 2}") for number in range(1, 11))
    served = PodCount(Counter({"gpu-0": 99}), most_ready=2)
    assert render(LoadResult(10, 4.0, ended, pods=served)).splitlines() == [
        "Summary:",
        "  Total:\t4.0000 secs",
        "  Slowest:\t1.0000 secs",
        "  Fastest:\t0.1000 secs",
        "  Average:\t0.5500 secs",
        "  Requests/sec:\t2.5000",
        "",
        "  Total data:\t10000 bytes",
        "  Size/request:\t1000 bytes",
        "",
        "Response time histogram:",
        "  0.1900 [1]  |" + "■" * 40,
        "  0.2800 [1]  |" + "■" * 40,
        "  0.3700 [1]  |" + "■" * 40,
        "  0.4600 [1]  |" + "■" * 40,
        "  0.5500 [1]  |" + "■" * 40,
        "  0.6400 [1]  |" + "■" * 40,
        "  0.7300 [1]  |" + "■" * 40,
        "  0.8200 [1]  |" + "■" * 40,
        "  0.9100 [1]  |" + "■" * 40,
        "  1.0000 [1]  |" + "■" * 40,
        "",
        "Latency distribution:",
        "  10% in 0.2000 secs",
        "  25% in 0.4000 secs",
        "  50% in 0.6000 secs",
        "  75% in 0.9000 secs",
        "  90% in 1.0000 secs",
        "  95% in 1.0000 secs",
        "  99% in 1.0000 secs",
        "",
        "Status code distribution:",
        "  [200]\t10 responses",
        "",
        "Requests per pod, as the answers say:",
        "  gpu-0 [5]  |" + "■" * 40,
        "  gpu-1 [5]  |" + "■" * 40,
        "  Ready at once: 2 at most",
    ]


def test_a_run_in_which_nothing_answered() -> None:
    ended = (RequestResult(0.1, error="ConnectError: Connection refused"),) * 3 + (
        RequestResult(0.1, error="odd \x1b[2J"),
    )
    assert render(LoadResult(4, 0.5, ended)).splitlines() == [
        "Summary:",
        "  Total:\t0.5000 secs",
        "  Requests/sec:\t8.0000",
        "",
        "Error distribution:",
        "  [3]\tConnectError: Connection refused",
        "  [1]\todd \\x1b[2J",
    ]


def test_an_interrupted_run_says_where_all_requests_are() -> None:
    lines = render(LoadResult(10, 1.0, (RequestResult(0.1, 200), RequestResult(0.1, 500)), given_up=3)).splitlines()
    assert lines[0] == "Interrupted: 2 of 10 ended, 3 given up, 5 not sent"
    assert lines[-2:] == ["  [200]\t1 responses", "  [500]\t1 responses"]


def test_answers_that_no_pod_gave() -> None:
    ended = (
        RequestResult(0.1, 200, pod="gpu-0"),
        RequestResult(0.1, 200, pod="gpu-0"),
        RequestResult(0.1, 503),
        RequestResult(0.1, error="refused"),
    )
    assert render(LoadResult(4, 1.0, ended)).split("\n\n")[4].splitlines() == [
        "Requests per pod, as the answers say:",
        "  gpu-0  [2]  |" + "■" * 40,
        "  no pod [1]  |" + "■" * 20,
    ]


def test_where_answers_name_no_pod_the_gateway_s_count_is_shown() -> None:
    served = PodCount(Counter({"gpu-1": 0, "gpu-0": 2}), most_ready=2, error="http://ops: ReadTimeout")
    assert render(LoadResult(1, 1.0, (RequestResult(0.1, 200),), pods=served)).split("\n\n")[-1].splitlines() == [
        "Requests per pod, as the gateway says:",
        "  gpu-0 [2]  |" + "■" * 40,
        "  gpu-1 [0]  |",
        "  Ready at once: 2 at most",
        "  The operators' port could not be read: http://ops: ReadTimeout",
    ]


def test_an_operators_port_that_never_answered() -> None:
    never = PodCount(Counter(), 0, "http://ops: ConnectError: Connection refused")
    assert render(LoadResult(1, 1.0, (RequestResult(0.1, 200),), pods=never)).split("\n\n")[-1].splitlines() == [
        "Requests per pod, as the gateway says:",
        "  The operators' port could not be read: http://ops: ConnectError: Connection refused",
    ]


def test_a_gateway_that_had_no_pod() -> None:
    none = PodCount(Counter(), 0)
    assert render(LoadResult(1, 1.0, (RequestResult(0.1, 503),), pods=none)).split("\n\n")[-1].splitlines() == [
        "Requests per pod, as the gateway says:",
        "  Ready at once: 0 at most",
    ]


def test_the_shortest_run_there_is() -> None:
    assert "Requests/sec" not in render(LoadResult(1, 0.0, ()))
