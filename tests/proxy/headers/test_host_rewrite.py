"""Host and Origin, for backends that compare them."""

from __future__ import annotations

import pytest

from gateway.proxy.headers.host_rewrite import named_by_address
from tests.proxy.headers.test_same_site import asked_for


@pytest.mark.parametrize(
    ("origin", "passed"),
    [
        (b"http://sd.example", b"http://127.0.0.1:8188"),
        (b"https://SD.example", b"http://127.0.0.1:8188"),
        (b"https://evil.example", b"https://evil.example"),
        (b"null", b"null"),
        (b"http://sd.example:8080", b"http://127.0.0.1:8188"),
        (b"capacitor://localhost", b"http://127.0.0.1:8188"),
    ],
)
def test_the_origin_of_a_page_that_may_becomes_the_backends(origin: bytes, passed: bytes) -> None:
    headers = [(b"host", b"sd.example"), (b"accept", b"*/*"), (b"origin", origin)]
    named = named_by_address(headers, asked_for(b"sd.example"), {b"capacitor://localhost"}, "127.0.0.1:8188")
    assert named == [(b"host", b"127.0.0.1:8188"), (b"accept", b"*/*"), (b"origin", passed)]
