"""Host and Origin, for backends that compare them."""

from __future__ import annotations

import pytest

from gateway.proxy.headers.host_rewrite import named_by_address


@pytest.mark.parametrize(
    ("origin", "passed"),
    [
        (b"http://sd.example", b"http://127.0.0.1:8188"),
        (b"https://SD.example", b"http://127.0.0.1:8188"),
        (b"https://evil.example", b"https://evil.example"),
        (b"null", b"null"),
    ],
)
def test_only_the_origin_that_was_asked_for_becomes_the_backends(origin: bytes, passed: bytes) -> None:
    headers = [(b"host", b"sd.example"), (b"accept", b"*/*"), (b"origin", origin)]
    named = named_by_address(headers, b"sd.example", "127.0.0.1:8188")
    assert named == [(b"host", b"127.0.0.1:8188"), (b"accept", b"*/*"), (b"origin", passed)]
