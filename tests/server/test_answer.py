"""An answer's bytes, for each kind of client."""

from __future__ import annotations

import pytest

from gateway.server.answer import Answer, Framing, switching_head

DATE = b"date: today"


def encoded(
    *bodies: bytes,
    status: int = 200,
    headers: tuple[tuple[bytes, bytes], ...] = (),
    http11: bool = True,
    head_only: bool = False,
    keep_alive: bool = True,
) -> tuple[Answer, list[bytes], bytes]:
    """The answer, the lines of its head, and its body as it goes out."""
    answer = Answer(http11=http11, head_only=head_only)
    head = answer.head(status, headers, keep_alive=keep_alive, date=DATE)
    sent = b""
    for i, body in enumerate(bodies):
        sent += b"".join(answer.body(body, more=i + 1 < len(bodies)))
    return answer, head.split(b"\r\n"), sent


def test_a_given_length_is_used() -> None:
    answer, lines, sent = encoded(b"he", b"llo", headers=((b"Content-Length", b"5"), (b"X-A", b"b")))
    assert lines == [b"HTTP/1.1 200 OK", b"X-A: b", DATE, b"content-length: 5", b"", b""]
    assert sent == b"hello"
    assert answer.complete
    assert not answer.falls_short


def test_without_a_length_it_is_chunked() -> None:
    _, lines, sent = encoded(b"hello", b"", b"w" * 16, b"")
    assert b"transfer-encoding: chunked" in lines
    assert sent == b"5\r\nhello\r\n10\r\n" + b"w" * 16 + b"\r\n0\r\n\r\n"


def test_the_last_chunk_goes_with_the_last_body() -> None:
    assert encoded(b"a")[2] == b"1\r\na\r\n0\r\n\r\n"


def test_to_http_1_0_it_ends_with_the_connection() -> None:
    answer, lines, sent = encoded(b"hello", http11=False)
    assert lines == [b"HTTP/1.1 200 OK", DATE, b"connection: close", b"", b""]
    assert sent == b"hello"
    assert answer.framing is Framing.UNTIL_CLOSE
    assert not answer.keep_alive


@pytest.mark.parametrize(("status", "head_only"), [(200, True), (304, False)])
def test_head_and_304_pass_the_length_of_a_body_that_is_not_sent(status: int, head_only: bool) -> None:
    answer, lines, sent = encoded(b"hello", status=status, head_only=head_only, headers=((b"content-length", b"5"),))
    assert b"content-length: 5" in lines
    assert sent == b""
    assert answer.complete
    assert not answer.falls_short


def test_204_has_neither_body_nor_length() -> None:
    _, lines, sent = encoded(b"", status=204, headers=((b"content-length", b"0"),))
    assert lines == [b"HTTP/1.1 204 No Content", DATE, b"", b""]
    assert sent == b""


def test_framing_and_connection_are_not_the_applications() -> None:
    headers = ((b"Transfer-Encoding", b"gzip"), (b"Keep-Alive", b"5"), (b"Connection", b"X-A, Close"), (b"X-A", b"b"))
    answer, lines, _ = encoded(headers=headers)
    assert lines[1:-2] == [b"X-A: b", DATE, b"transfer-encoding: chunked", b"connection: close"]
    assert not answer.keep_alive


def test_a_date_is_added_only_where_there_is_none() -> None:
    _, lines, _ = encoded(headers=((b"Date", b"yesterday"),))
    assert [line for line in lines if line.lower().startswith(b"date")] == [b"Date: yesterday"]


def test_more_than_was_promised_is_not_sent() -> None:
    answer = Answer(http11=True, head_only=False)
    answer.head(200, ((b"content-length", b"5"),), keep_alive=True, date=DATE)
    with pytest.raises(RuntimeError, match="longer"):
        answer.body(b"hello!", more=False)
    assert not answer.complete


def test_less_than_was_promised_is_told() -> None:
    assert encoded(b"hell", headers=((b"content-length", b"5"),))[0].falls_short


@pytest.mark.parametrize("bad", [b"a\r\nSet-Cookie: b", b"a\nb", b"a\rb", b"a\0b"])
def test_a_value_cannot_split_the_answer(bad: bytes) -> None:
    with pytest.raises(ValueError):
        encoded(headers=((b"x-a", bad),))
    with pytest.raises(ValueError):
        encoded(headers=((bad, b"a"),))
    with pytest.raises(ValueError):
        encoded(headers=((b"date", bad),))


@pytest.mark.parametrize(("status", "line"), [(599, b"HTTP/1.1 599 "), (404, b"HTTP/1.1 404 Not Found")])
def test_any_status_has_its_line(status: int, line: bytes) -> None:
    assert encoded(status=status)[1][0] == line


def test_the_head_of_a_switch_has_no_framing_and_cannot_be_split() -> None:
    fields = [(b"sec-websocket-accept", b"x"), (b"Content-Length", b"5"), (b"connection", b"close")]
    assert switching_head(fields, b"date: now") == (
        b"HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: x\r\ndate: now\r\n"
        b"connection: Upgrade\r\nupgrade: websocket\r\n\r\n"
    )
    with pytest.raises(ValueError, match="line break"):
        switching_head([(b"x", b"a\r\nb")], b"date: now")
