"""What Knative's ingress and kubelet are answered, and that nobody else is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.proxy.answers.network_probe import ProbeAnswer, probe_answer

Headers = list[tuple[bytes, bytes]]

HASH = b"0a" * 32


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("headers", "answer"),
    [
        ([(b"k-network-probe", b"probe"), (b"k-network-hash", HASH)], (200, b"", ((b"k-network-hash", HASH),))),
        ([(b"k-network-hash", b"v-1:a"), (b"k-network-probe", b"probe")], (200, b"", ((b"k-network-hash", b"v-1:a"),))),
        ([(b"k-network-probe", b"activator")], (200, b"activator", ())),
        ([(b"user-agent", b"kube-probe/1.30")], (200, b"ok\n", ())),
        ([(b"k-network-probe", b"queue"), (b"user-agent", b"kube-probe/1.30")], (200, b"ok\n", ())),
    ],
)
def test_probes_are_answered(method: str, headers: Headers, answer: tuple[object, ...]) -> None:
    assert probe_answer(method, [(b"host", b"anything"), *headers]) == answer


@pytest.mark.parametrize(
    "headers",
    [
        [(b"k-network-probe", b"queue")],
        [(b"k-network-probe", b"Probe"), (b"k-network-hash", HASH)],
        [(b"k-network-probe", b"probe")],
        [(b"k-network-probe", b"probe"), (b"k-network-hash", b"")],
        [(b"k-network-probe", b"probe"), (b"k-network-hash", b"<script>")],
        [(b"k-network-probe", b"probe"), (b"k-network-hash", b"a" * 257)],
    ],
)
def test_what_is_no_sensible_probe_is_refused(headers: Headers) -> None:
    answer = probe_answer("GET", headers)
    assert answer is not None
    assert (answer.status, answer.headers) == (400, ())


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"k-network-probe", b"")],
        [(b"k-network-hash", HASH)],
        [(b"user-agent", b"Mozilla/5.0 (kube-probe/1.30)")],
        [(b"user-agent", b"Knative-Activator-Probe")],
    ],
)
def test_other_requests_go_their_way(headers: Headers) -> None:
    assert probe_answer("GET", headers) is None


def test_work_is_never_a_probe() -> None:
    assert probe_answer("POST", [(b"k-network-probe", b"probe"), (b"user-agent", b"kube-probe/1.30")]) is None


@given(st.binary(max_size=300))
def test_only_what_is_harmless_comes_back(told: bytes) -> None:
    answer = probe_answer("GET", [(b"k-network-probe", b"probe"), (b"k-network-hash", told)])
    assert isinstance(answer, ProbeAnswer)
    for _, value in answer.headers:
        assert value == told
        assert not value.translate(None, b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:-")
