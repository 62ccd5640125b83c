"""An HTTP probe of which nothing else is said."""

from __future__ import annotations

import pytest

from gateway.profiles.treatment import Readiness


@pytest.mark.parametrize(("status", "accepted"), [(200, True), (399, True), (199, False), (400, False), (503, False)])
def test_an_answer_is_read_as_kubernetes_reads_it(status: int, accepted: bool) -> None:
    assert Readiness("http", "/").accepts(status, b"") is accepted
