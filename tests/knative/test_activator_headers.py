"""Headers by accounting and lane."""

from __future__ import annotations

import pytest

from gateway.core.scaling.report import Accounting
from gateway.knative.activator_headers import ExemptVia, activator_headers

REPORTED = ((b"k-proxy-request", b"activator"),)
PAST_THE_LIMIT = ((b"k-kubelet-probe", b"gateway"),)


@pytest.mark.parametrize(
    ("accounting", "exempt_via", "counted", "uncounted"),
    [
        (Accounting.WAITING, ExemptVia.USER_PORT, (), ()),
        (Accounting.WAITING, ExemptVia.KUBELET_PROBE, (), PAST_THE_LIMIT),
        (Accounting.WAITING, ExemptVia.QUEUE, (), ()),
        (Accounting.PROXIED, ExemptVia.USER_PORT, REPORTED, ()),
        (Accounting.PROXIED, ExemptVia.KUBELET_PROBE, REPORTED, PAST_THE_LIMIT),
        (Accounting.PROXIED, ExemptVia.QUEUE, REPORTED, REPORTED),
    ],
)
def test_who_counts_a_request_is_told_once(
    accounting: Accounting, exempt_via: ExemptVia, counted: object, uncounted: object
) -> None:
    assert activator_headers(accounting, exempt_via) == (counted, uncounted)
