"""Clients that hang up on silence hear, while they are in line, that they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from gateway.proxy.answers.interim import EVERY, is_impatient, reads_on
from tests.doubles.scripted_upstream import answering, hanging
from tests.doubles.virtual_time import virtual_time_of_asyncio

if TYPE_CHECKING:
    from tests.proxy.gatehouse import Gatehouse

pytestmark = pytest.mark.anyio

IMPATIENT = ("user-agent", "gradio_client/1.3.0; hf_hub/0.25.2; python/3.11.7")


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return virtual_time_of_asyncio()


async def test_in_line_and_not_behind_it(gate: Gatehouse) -> None:
    gate.upstream.meets(hanging, answering(b"no", 503), answering())
    first = await gate.visit("POST /paint", IMPATIENT)
    pod = gate.pod
    second = await gate.visit("POST /paint", IMPATIENT)
    other = await gate.visit("POST /paint", ("user-agent", "Mozilla/5.0"))
    await gate.passes(3 * EVERY + 1)
    assert (first.assured, second.assured, other.assured) == (0, 3, 0)
    pod.answers(b"done")
    await gate.settled()
    assert (second.status, second.body) == (503, b"no")  # whatever it was told before
    await gate.passes(3 * EVERY)
    assert second.assured == 3


@pytest.mark.parametrize(
    ("version", "assured"),
    [("0.5.0", False), ("0.6.1", False), ("0.7.1", False), ("0.7.3", True), ("0.7.10", True), ("0.16.4", True)],
)
async def test_older_ones_wait_for_ever_and_would_take_it_for_the_answer(version: str, assured: bool) -> None:
    """Seen with gradio_client 0.5.0 on a sleeping application of Gradio 3.41.2."""
    assert is_impatient([(b"user-agent", f"gradio_client/{version}; python/3.11.7".encode())]) is assured


async def test_one_that_leaves_is_told_nothing_more(gate: Gatehouse) -> None:
    gate.upstream.meets(hanging)
    await gate.visit("POST /paint")
    pod = gate.pod
    client = await gate.visit("POST /paint", IMPATIENT)
    await gate.passes(EVERY + 1)
    client.leaves()
    await gate.passes(3 * EVERY)
    assert (client.assured, gate.waiting) == (1, 0)
    pod.answers(b"done")
    await gate.settled()


@pytest.mark.parametrize(
    ("agent", "hears"),
    [
        ("python-requests/2.34.2", False),
        ("python-urllib3/2.8.0", False),
        ("Python-urllib/3.11", False),
        ("gradio_client/0.6.1; python/3.11.7", False),
        ("gradio_client/1.3.0; python/3.11.7", True),
        ("python-httpx/0.28.1", True),
        ("Mozilla/5.0", True),
    ],
)
async def test_who_would_take_a_103_for_the_answer_is_spared_it(gate: Gatehouse, agent: str, hears: bool) -> None:
    """Seen with requests 2.34.2, urllib3 2.8.0 and urllib.request of Python 3.11: the status is 103, the body empty."""
    client = await gate.visit("POST /paint", ("user-agent", agent))
    gate.pod.hints((b"link", b"</a.css>"))
    gate.pod.answers(b"dog")
    await gate.settled()
    assert (bool(client.hints), client.body) == (hears, b"dog")
    assert reads_on([(b"user-agent", agent.encode())]) is hears
