"""Load and pods, against one another: what one sends the other counts."""

from __future__ import annotations

import asyncio

import pytest

from bench.children import CannotMeasure, free_port
from bench.fleet import fleet
from bench.load import drive, request_bytes

ANYWHERE: frozenset[int] = frozenset()
POST = request_bytes("POST", "/job", b"{}")


@pytest.mark.anyio
async def test_every_client_sends_at_least_once_and_pods_tell_what_they_did() -> None:
    async with fleet(2, ANYWHERE, work=0.001) as pods:
        volley = await drive(pods.addresses, POST, clients=4, seconds=0)
        notes = await pods.notes()
        assert (volley.answers, volley.failed) == (4, 0)
        assert [len(stints) for stints in notes.stints] == [2, 2]
        assert (await pods.notes()).stints == [[], []]


@pytest.mark.anyio
async def test_a_pod_notices_work_on_two_at_once() -> None:
    async with fleet(1, ANYWHERE, work=0.2) as pods:
        await drive(pods.addresses, POST, clients=3, seconds=0)
        assert (await pods.notes()).two_at_once == 2


@pytest.mark.anyio
async def test_a_connection_that_is_wanted_once_ends_with_its_answer() -> None:
    async with fleet(1, ANYWHERE) as pods:
        reader, writer = await asyncio.open_connection(*pods.addresses[0])
        writer.write(POST.replace(b"\r\n", b"\r\nconnection: close\r\n", 1))
        assert b"\r\nconnection: close\r\n" in await reader.read()
        writer.close()
        await writer.wait_closed()


@pytest.mark.anyio
async def test_a_large_answer_counts_once_and_when_it_is_whole() -> None:
    async with fleet(1, ANYWHERE, size=3_000_000) as pods:
        volley = await drive(pods.addresses, POST, clients=2, seconds=0)
        assert (volley.answers, volley.failed) == (2, 0)


@pytest.mark.anyio
async def test_nobody_there_is_said_plainly() -> None:
    with pytest.raises(CannotMeasure, match="no connection"):
        await drive([("127.0.0.1", free_port())], POST, clients=1, seconds=0)
