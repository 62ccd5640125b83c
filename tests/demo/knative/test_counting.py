"""What the stand-in of the queue-proxy tells: shares of one, whatever time has passed."""

from __future__ import annotations

from gateway.demo.knative.counting import RequestCounting


def test_all_and_the_proxied_part() -> None:
    counting = RequestCounting()
    counting.enters(proxied=True)
    counting.take()
    counting.enters(proxied=False)
    counting.enters(proxied=False)
    told = counting.take()
    assert (told.request_count, told.proxied_request_count) == (2, 0)
    assert 1 <= told.average_concurrent_requests <= 3
    assert round(told.average_proxied_concurrent_requests, 6) == 1

    for proxied in (True, False, False):
        counting.leaves(proxied=proxied)
    counting.take()
    told = counting.take()
    assert (told.average_concurrent_requests, told.request_count) == (0, 0)
