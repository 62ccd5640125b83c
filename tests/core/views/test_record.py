"""What is told of a request that came to nothing."""

from __future__ import annotations

from gateway.core.views.record import RequestRecord


def test_a_record_claims_nothing_that_has_not_happened() -> None:
    record = RequestRecord(request_id="r-1", client="192.0.2.1", method="GET", target=b"/", host="sd.example.com")
    unknown = (record.pool, record.lane, record.session, record.backend, record.service, record.place, record.status)
    assert {*unknown, record.ending} == {None}
    assert {record.turns, record.waited, record.bytes_in, record.bytes_out} == {0}
