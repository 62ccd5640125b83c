"""Ways to spell a path that some reader would take for the same."""

from __future__ import annotations

from hypothesis import strategies as st


@st.composite
def spelled(draw: st.DrawFn, requests: list[str], prefix: str = "") -> tuple[str, bytes]:
    """One of the requests below `prefix`, its path spelled in a way that some reader would take for the same."""
    method, path = draw(st.sampled_from(requests)).split(" ")
    written = b""
    for character in (prefix + path).encode():
        plain = bytes((character,))
        spellings = [plain, plain, plain, b"%%%02x" % character, b"%%%02X" % character, b"%%25%02x" % character]
        if plain == b"/":
            spellings += [b"//", b"/./", b"/x/../", b"/%2e/", b"/x/.%2e/", b"\\", b"%5c", b"/x%2f..%2f", b"/;a/"]
        written += draw(st.sampled_from(spellings))
    written += draw(st.sampled_from([b"", b"", b"/", b"//", b"/.", b"%00", b"/x/..", b";a"]))
    if draw(st.booleans()):  # from within what is exempt
        within = [b"/file=/../", b"/gradio_api/file=%2f..%2f..%5c..%2f", b"/assets/..%2f", b"/static/%2e%2e/"]
        written = draw(st.sampled_from(within)) + written.lstrip(b"/")
    return method, written
