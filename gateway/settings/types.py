"""Spellings of values in the configuration file, as annotations for pydantic: durations, sizes, names,
addresses.

A value that does not match raises ValueError with what was *expected*; `problems.py` adds what was
found, and where. No message here repeats a value: it may have come from the environment.
"""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?(?:ms|s|m|h))+", re.ASCII)
_DURATION_PART = re.compile(r"([\d.]+)(ms|s|m|h)")

_UNITS = ("k", "m", "g", "t")
_SIZE = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)\s*(?:([kmgt])(i?)b?|b)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """Annotation of an int (`whole`) or float between bounds, both included."""

    least: float
    most: float = math.inf
    whole: bool = False

    #: Overridden by other spellings of a number.
    what: ClassVar[str] = "a number"

    def parse(self, value: object) -> float:
        """The number. Digits in quotes are one, too: inside { } an expansion has to be quoted."""
        number = self._read(value)
        if number is None or not self.least <= number <= self.most or (self.whole and number % 1):
            raise ValueError(self.expected)
        return int(number) if self.whole else float(number)

    @property
    def expected(self) -> str:
        """The values that are taken, for people."""
        what = self.what.replace("a number", "a whole number") if self.whole else self.what
        if self.most == math.inf:
            return f"{what}, at least {self.least:g}"
        return f"{what}, from {self.least:g} to {self.most:g}"

    def _read(self, value: object) -> float | None:
        if isinstance(value, str) and re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,9})?", value, re.ASCII):
            return float(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        return value

    def _schema(self) -> dict[str, Any]:
        bounds = {"minimum": self.least} | ({"maximum": self.most} if self.most < math.inf else {})
        return {"type": "integer" if self.whole else "number", **bounds}

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return self._schema()


@dataclass(frozen=True, slots=True)
class Seconds(Number):
    """Annotation of a duration: a number of seconds, or text such as `30s`, `5m`, `1m30s`, `250ms`."""

    least: float = 0.0
    what: ClassVar[str] = 'seconds (a number, or text such as "30s" or "5m")'

    def _read(self, value: object) -> float | None:
        if isinstance(value, str) and _DURATION.fullmatch(value):
            return math.fsum(float(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(value))
        return Number._read(self, value)

    def _schema(self) -> dict[str, Any]:
        return {"anyOf": [Number._schema(self), {"type": "string", "pattern": f"^{_DURATION.pattern}$"}]}


def parse_size(value: object) -> int:
    """Bytes from a whole number or from text such as `64KiB`, `1.5GiB`, `100MB` or, as in Kubernetes, `1Gi`."""
    if isinstance(value, str) and (match := _SIZE.fullmatch(value)):
        number, unit, binary = match.groups()
        power = _UNITS.index(unit.lower()) + 1 if unit else 0
        return int(float(number) * (1024 if binary else 1000) ** power)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError('bytes (a whole number, or text such as "64KiB" or "1GiB")')


@dataclass(frozen=True, slots=True)
class Spelled:
    """Annotation of a string that matches a pattern."""

    pattern: str
    expected: str

    def parse(self, value: object) -> str:
        """The text. Raises ValueError where it does not match."""
        if not isinstance(value, str) or not re.fullmatch(self.pattern, value, re.ASCII):
            raise ValueError(self.expected)
        return value

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.parse)

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$"}


def parse_text(value: object) -> str:
    """A word handed to a process. A whole number needs no quotes; true, 1.10 and the like do, lest they
    change."""
    if isinstance(value, str) and "\0" not in value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise ValueError("text (in quotes, if it looks like something else)")


def parse_header_value(value: object) -> str:
    """The value of a header that the gateway sends itself."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(text, str) and _HEADER_VALUE.fullmatch(text):
        return text
    raise ValueError("a header's value: one line of ASCII, without spaces at its ends")


def parse_host(value: object) -> str:
    """A host in the form that hosts are compared in. Wildcards are not supported."""
    if isinstance(value, str) and _HOST.fullmatch(value) and _has_dns_lengths(value):
        return value.lower().removesuffix(".")
    raise ValueError("a host name or address without port, path or wildcard")


def _has_dns_lengths(host: str) -> bool:
    """RFC 1035 2.3.4: longer names cannot be looked up."""
    return len(host) <= 253 and all(len(label) <= 63 for label in host.split("."))


def parse_listen_host(value: object) -> str:
    """An address or name to listen on, as sockets want it. IPv6 may come in brackets, and has none then."""
    bare = value.removeprefix("[").removesuffix("]") if isinstance(value, str) else ""
    if _HOST.fullmatch(bare) or _is_ipv6(bare):
        return bare
    raise ValueError(_LISTEN_HOST)


def parse_listen_hosts(value: object) -> tuple[str, ...]:
    """From one or a list of them, as `parse_listen_host`."""
    hosts = value if isinstance(value, list) and value else [value]
    try:
        return tuple(map(parse_listen_host, hosts))
    except ValueError:
        raise ValueError(f"{_LISTEN_HOST}, or a list of them") from None


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6
    except ValueError:
        return False


def parse_backend(value: object) -> str:
    """`http://host:port` from that or from `host:port`, in one spelling, so that two can be compared."""
    match = _BACKEND.fullmatch(value) if isinstance(value, str) else None
    if match is None or int(match["port"] or 80) not in range(1, 65536):
        raise ValueError('an address such as "http://127.0.0.1:7860" (plain http, no path)')
    return f"http://{match['host'].lower()}:{int(match['port'] or 80)}"


def parse_origin(value: object) -> str:
    """An origin as browsers send it: in lower case, and without the scheme's own port."""
    text = value.lower() if isinstance(value, str) else ""
    if text in ("*", "null") or _OTHER_ORIGIN.fullmatch(text):
        return text
    match = _ORIGIN.fullmatch(text)
    if match is None or int(match["port"] or 80) not in range(1, 65536):
        raise ValueError(
            'an origin without a path, such as "https://ui.example.com", "http://localhost:3000", '
            '"capacitor://localhost", "file://", "null", or "*" for every page'
        )
    own = {"http": 80, "https": 443}[match["scheme"]]
    port = int(match["port"] or own)
    return f"{match['scheme']}://{match['host']}" + (f":{port}" if port != own else "")


def parse_service_port(value: object) -> str | int:
    """A port of a Kubernetes Service: its name (RFC 6335: at most 15 characters, one of them a letter),
    or a number."""
    if isinstance(value, str) and _PORT_NAME.fullmatch(value) and not value.isdecimal():
        return value
    try:
        return int(_PORT.parse(value))
    except ValueError:
        raise ValueError("the name of a port, or a whole number, from 1 to 65535") from None


def parse_network(value: object) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """A network, or a single address as a network of one."""
    try:
        return ipaddress.ip_network(str(value))
    except ValueError:
        raise ValueError('a network such as "10.0.0.0/8" or "fd00::/8", without bits after the prefix') from None


_PORT = Number(1, 65535, whole=True)
_PORT_NAME = re.compile(r"(?=.{1,15}$)[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")
_LISTEN_HOST = 'an address such as "127.0.0.1" or "::1", or a host name, without a port'
_HOST = re.compile(r"\[[0-9a-f:.]+\]|[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_-]+)*\.?", re.ASCII | re.IGNORECASE)
_BACKEND = re.compile(
    r"(?:http://)?(?P<host>\[[0-9a-f:.]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?/?", re.ASCII | re.IGNORECASE
)
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[\w.-]+)(?::(?P<port>\d{1,5}))?", re.ASCII)
#: Of pages that come by no HTTP: of applications and of browsers' extensions.
_OTHER_ORIGIN = re.compile(r"(?!https?:|wss?:)[a-z][a-z0-9+.-]*://[a-z0-9._-]*", re.ASCII)

Size = Annotated[
    int, PlainValidator(parse_size), WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]})
]
Port = Annotated[int, _PORT]
ServicePort = Annotated[str | int, PlainValidator(parse_service_port), WithJsonSchema({"type": ["string", "integer"]})]
Text = Annotated[str, PlainValidator(parse_text), WithJsonSchema({"type": ["string", "integer"]})]
HeaderValue = Annotated[str, PlainValidator(parse_header_value), WithJsonSchema({"type": ["string", "integer"]})]
Host = Annotated[str, PlainValidator(parse_host), WithJsonSchema({"type": "string"})]
ListenHost = Annotated[str, PlainValidator(parse_listen_host), WithJsonSchema({"type": "string"})]
ListenHosts = Annotated[
    tuple[str, ...],
    PlainValidator(parse_listen_hosts),
    PlainSerializer(list),  # of a default in the schema
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}),
]
BackendUrl = Annotated[str, PlainValidator(parse_backend), WithJsonSchema({"type": "string"})]
Origin = Annotated[str, PlainValidator(parse_origin), WithJsonSchema({"type": "string"})]
Network = Annotated[
    ipaddress.IPv4Network | ipaddress.IPv6Network, PlainValidator(parse_network), WithJsonSchema({"type": "string"})
]
UrlPath = Annotated[str, Spelled(r"/[^?#*%\s]*", 'a decoded path that begins with "/", without query or wildcard')]
PoolName = Annotated[
    str, Spelled(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", "a name of letters, digits and . _ - (at most 63)")
]
ClientName = Annotated[
    str, Spelled(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", "a client's name of letters, digits and . _ - (at most 64)")
]
CookieName = Annotated[
    str, Spelled(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "a cookie name: letters, digits and !#$%&'*+-.^_`|~")
]
HeaderName = Annotated[
    str, Spelled(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", "a header's name: letters, digits and !#$%&'*+-.^_`|~")
]
VariableName = Annotated[str, Spelled(r"[A-Za-z_][A-Za-z0-9_]*", "the name of an environment variable")]
ObjectName = Annotated[
    str, Spelled(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", "a name of small letters, digits and - (at most 63)")
]
CollectorUrl = Annotated[
    str,
    Spelled(
        r"https?://(?:\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?(?:/[\w.~/-]*)?",
        'a collector\'s address such as "http://127.0.0.1:4318" (no user, no query)',
    ),
]
AutoscalerUrl = Annotated[
    str, Spelled(r"ws://(?:\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?/?", 'an address such as "ws://host:8080"')
]
