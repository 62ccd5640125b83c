"""What else than HTTP/1.1 a connection may begin with: what load balancers send that were told to. Pure."""

from __future__ import annotations

from gateway.server.refusals import HTTP2_HERE, PROXY_HEADER_HERE, TLS_HERE, Refusal

#: The signature of a PROXY header of version 2; one of version 1 is a line that begins so.
PROXY_V2, PROXY_V1 = b"\r\n\r\n\0\r\nQUIT\n", b"PROXY "

_OPENINGS = (
    (b"\x16\x03", TLS_HERE),  # a handshake record (RFC 8446 5.1)
    (b"PRI * HTTP/2.0", HTTP2_HERE),  # RFC 9113 3.4
    (PROXY_V1, PROXY_HEADER_HERE),
    (PROXY_V2, PROXY_HEADER_HERE),
)


def opening_of(data: bytes) -> Refusal | None:
    """The refusal of what `data`, which is no HTTP/1.1, begins with. None: nothing that is known."""
    return next((refusal for opening, refusal in _OPENINGS if data.startswith(opening)), None)
