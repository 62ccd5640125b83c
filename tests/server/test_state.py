"""What connections share."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

from gateway.server.state import TrafficState


def test_the_date_is_now() -> None:
    before = int(time.time())
    line = TrafficState().date().decode()
    after = time.time()
    name, _, value = line.partition(": ")
    assert name == "date"
    assert before <= parsedate_to_datetime(value).timestamp() <= after
