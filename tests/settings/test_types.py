"""How values may be spelled."""

from __future__ import annotations

import math

import pytest
from pydantic import TypeAdapter, ValidationError

from gateway.settings.types import (
    AutoscalerUrl,
    CollectorUrl,
    Number,
    ObjectName,
    Seconds,
    Spelled,
    parse_backend,
    parse_header_value,
    parse_host,
    parse_listen_host,
    parse_listen_hosts,
    parse_network,
    parse_origin,
    parse_service_port,
    parse_size,
    parse_text,
)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [(30, 30), (0.5, 0.5), ("30", 30), ("30s", 30), ("5m", 300), ("1h", 3600), ("250ms", 0.25), ("1m30s", 90), (0, 0)],
)
def test_durations(written: object, seconds: float) -> None:
    assert Seconds().parse(written) == pytest.approx(seconds)


@pytest.mark.parametrize("written", ["", "s", "5 m", "1d", "-1s", -1, True, None, math.inf, math.nan, "9" * 400, [5]])
def test_what_is_no_duration(written: object) -> None:
    with pytest.raises(ValueError, match=r'^seconds .a number, or text such as "30s" or "5m".'):
        Seconds().parse(written)


@pytest.mark.parametrize(
    ("written", "size"),
    [
        *((0, 0), (5, 5), ("5", 5), ("64KiB", 65536), ("64 kib", 65536), ("64Ki", 65536), ("1.5GiB", 3 << 29)),
        *(("1kB", 1000), ("2M", 2_000_000), ("1GB", 10**9), ("7B", 7)),
    ],
)
def test_sizes(written: object, size: int) -> None:
    assert parse_size(written) == size


@pytest.mark.parametrize("written", ["", "GiB", "1XiB", "-1", -1, 1.5, True, None, "1e3"])
def test_what_is_no_size(written: object) -> None:
    with pytest.raises(ValueError, match=r"^bytes "):
        parse_size(written)


def test_numbers_have_bounds_and_say_them() -> None:
    port = Number(1, 65535, whole=True)
    assert port.parse("8080") == 8080
    for written in (0, 65536, 1.5, "http", True, None):
        with pytest.raises(ValueError, match=r"^a whole number, from 1 to 65535$"):
            port.parse(written)
    with pytest.raises(ValueError, match=r"^a number, at least 0.01$"):
        Number(0.01).parse(0)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://127.0.0.1:7860", "http://127.0.0.1:7860"),
        ("GPU-1.example:07860/", "http://gpu-1.example:7860"),
        ("http://gpu-1", "http://gpu-1:80"),
        ("http://[::1]:1", "http://[::1]:1"),
    ],
)
def test_backends_have_one_spelling(written: str, url: str) -> None:
    assert parse_backend(written) == url


@pytest.mark.parametrize("written", ["https://a", "http://a/b", "http://u:p@a:1", "a:0", "a:65536", "a:b", "", 7860])
def test_what_is_no_backend(written: object) -> None:
    with pytest.raises(ValueError, match=r"^an address such as"):
        parse_backend(written)


def test_hosts() -> None:
    assert [parse_host(host) for host in ("SD.Example.com.", "10.0.0.1", "[::1]")] == [
        "sd.example.com",
        "10.0.0.1",
        "[::1]",
    ]
    for written in ("a:80", "*.a", "http://a", "a/b", "", ".", "ä", 5, "a" * 64, "a." * 127):
        with pytest.raises(ValueError, match=r"^a host name or address without port"):
            parse_host(written)


def test_networks() -> None:
    assert str(parse_network("10.0.0.0/8")) == "10.0.0.0/8"
    assert str(parse_network("::1")) == "::1/128"
    for written in ("10.0.0.1/8", "any", 10.5, True):
        with pytest.raises(ValueError, match=r"^a network such as"):
            parse_network(written)


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://UI.example.com", "https://ui.example.com"),
        ("https://ui.example.com:443", "https://ui.example.com"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://[::1]:80", "http://[::1]"),
        ("null", "null"),
        ("*", "*"),
        ("file://", "file://"),
        ("Capacitor://localhost", "capacitor://localhost"),
        ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop"),
    ],
)
def test_origins_are_spelled_as_browsers_do(written: str, origin: str) -> None:
    assert parse_origin(written) == origin


@pytest.mark.parametrize(
    "written", ["ui.example.com", "https://a/", "https://*", "file:///a", "ws://a", "http://a:0", 5]
)
def test_what_is_no_origin(written: object) -> None:
    with pytest.raises(ValueError, match=r"^an origin without a path, such as"):
        parse_origin(written)


def test_ports_of_services() -> None:
    assert [parse_service_port(port) for port in ("http", "a1", "web-ui", 7860, "7860")] == [
        *("http", "a1", "web-ui"),
        *(7860, 7860),
    ]
    for written in ("", "-", "a--b", "HTTP", "a" * 16, "65536", 0, True, None, "http\n"):
        with pytest.raises(ValueError, match=r"^the name of a port, or a whole number, from 1 to 65535$"):
            parse_service_port(written)


def test_names_of_objects_and_where_the_autoscaler_listens() -> None:
    name, address = TypeAdapter[str](ObjectName), TypeAdapter[str](AutoscalerUrl)
    for written in ("default", "a", "sd-00001", "0"):
        assert name.validate_python(written) == written
    for written in ("", "-a", "a-", "A", "a.b", "a" * 64):
        with pytest.raises(ValidationError):
            name.validate_python(written)
    for written in ("ws://autoscaler.knative-serving.svc:8080", "ws://127.0.0.1:8080/", "ws://[::1]"):
        assert address.validate_python(written) == written
    for written in ("wss://a", "http://a", "ws://a/b", "ws://"):
        with pytest.raises(ValidationError):
            address.validate_python(written)


def test_words_for_processes() -> None:
    assert [parse_text(word) for word in ("--port", 7860)] == ["--port", "7860"]
    for written in (True, 1.10, None, "a\0b"):
        with pytest.raises(ValueError, match=r"^text "):
            parse_text(written)


def test_a_spelling_is_matched_whole() -> None:
    name = Spelled("[a-z]+", "small letters")
    assert name.parse("abc") == "abc"
    for written in ("abc\n", "aBc", "", 5):
        with pytest.raises(ValueError, match=r"^small letters$"):
            name.parse(written)


def test_a_collector_has_an_address_and_no_secrets_in_it() -> None:
    address = TypeAdapter[str](CollectorUrl)
    for written in ("http://127.0.0.1:4318", "https://otel.example.com", "http://[::1]:4318/", "https://a/otlp/v1"):
        assert address.validate_python(written) == written
    for written in ("127.0.0.1:4318", "grpc://a:4317", "http://user:secret@a", "http://a?key=secret", "http://"):
        with pytest.raises(ValidationError):
            address.validate_python(written)


def test_values_of_headers() -> None:
    assert [parse_header_value(value) for value in ("Basic bWU6eA==", "a, b", 7)] == ["Basic bWU6eA==", "a, b", "7"]
    for value in ("", " a", "a ", "a\nb", "schl\u00fcssel", True, None, 1.5):
        with pytest.raises(ValueError, match=r"^a header's value: one line"):
            parse_header_value(value)


def test_one_may_listen_on_several_addresses() -> None:
    assert parse_listen_hosts("::") == parse_listen_hosts("[::]") == ("::",)
    assert parse_listen_hosts(["127.0.0.1", "fe80::1%eth0", "node-1"]) == ("127.0.0.1", "fe80::1%eth0", "node-1")
    for value in ("", [], None, 80, ["::", 1], "0.0.0.0:8080", "[::]:80", "http://a", "a b"):
        with pytest.raises(ValueError, match=r"^an address such as .*, or a list of them$"):
            parse_listen_hosts(value)


def test_a_host_to_listen_on_is_as_sockets_want_it() -> None:
    assert [parse_listen_host(host) for host in ("::1", "[::1]", "127.0.0.1")] == ["::1", "::1", "127.0.0.1"]
    for value in (["::1"], "127.0.0.1:80", "", None):
        with pytest.raises(ValueError, match=r"^an address such as .* without a port$"):
            parse_listen_host(value)
