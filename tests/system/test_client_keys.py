"""Clients that must bring a key: as they would with curl, a program or a browser."""

from __future__ import annotations

import base64
import hashlib
import signal
from typing import TYPE_CHECKING

import pytest

from tests.doubles.fault_pod import fault_pods
from tests.system.callers import ask
from tests.system.running_gateway import configuration, running_gateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.anyio


def asks(*fields: str) -> bytes:
    return "\r\n".join(("GET / HTTP/1.1", "Host: sd", *fields, "", "")).encode()


def line(name: str, key: str) -> str:
    return f"{name}:{hashlib.sha256(key.encode()).hexdigest()}\n"


async def test_who_brings_a_key_comes_in_and_it_is_read_again(tmp_path: Path) -> None:
    keys = tmp_path / "client-keys"
    keys.write_text(line("alice", "first"))
    async with fault_pods(1) as (pod,):
        config = configuration({"backends": {"static": [pod.url]}}, clients={"keys_file": str(keys)})
        async with running_gateway(tmp_path, config) as gateway:
            await gateway.ready(1)
            basic = base64.b64encode(b"me:first").decode()
            for field in ("X-API-Key: first", "Authorization: Bearer first", f"Authorization: Basic {basic}"):
                assert (await ask(gateway, asks(field))).status == 200
            for fields in ((), ("X-API-Key: wrong",)):
                refused = await ask(gateway, asks(*fields))
                assert (refused.status, refused.json()["reason"]) == (401, "unauthorised")
            assert (await ask(gateway, b"GET /.gateway/healthz HTTP/1.1\r\nHost: sd\r\n\r\n")).status == 200
            assert await gateway.total("gateway_key_requests_total", key="alice", outcome="served") == 3
            assert await gateway.total("gateway_keys_refused_total", reason="missing") == 1
            assert await gateway.total("gateway_keys_refused_total", reason="unknown") == 1
            told = await gateway.access(5)
            assert [each["key"] for each in told] == ["alice"] * 3 + [None] * 2
            assert not any(secret in str(told) for secret in ("first", "wrong", basic))

            keys.write_text(line("alice", "second"))
            gateway.signal(signal.SIGHUP)
            await gateway.event("reloaded")
            assert (await ask(gateway, asks("X-API-Key: first"))).status == 401
            assert (await ask(gateway, asks("X-API-Key: second"))).status == 200
