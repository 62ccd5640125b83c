"""The setting `cold_start.page`: the page that ships, none, or the operator's own, which is read with
the configuration. No message shows its text.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import PlainValidator, WithJsonSchema

from gateway.proxy.answers.waiting_page_text import is_template

#: Bytes: it is sent to everybody who waits, so it should load what is large from elsewhere.
LONGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class PageFile:
    """The operator's page, as it was when it was read. A reload reads it again."""

    path: str
    template: str


def parse_page(value: object) -> Literal["auto", "off"] | PageFile:
    """The setting's value. Raises ValueError that says what is expected."""
    if value == "auto":
        return "auto"
    if value == "off":
        return "off"
    if not isinstance(value, str) or not value:
        raise ValueError("auto, off or the path of a page")
    return PageFile(value, _read(Path(value)))


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > LONGEST:
            raise ValueError(f"a page of at most {LONGEST:,} bytes")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError("a page in UTF-8") from None
    except OSError as error:
        raise ValueError(f"auto, off or a page that can be read ({error.strerror})") from None
    if not is_template(text):
        raise ValueError("a page with $follow in its head, or it would not go on by itself")
    return text


Page = Annotated[
    Literal["auto", "off"] | PageFile,
    PlainValidator(parse_page),
    WithJsonSchema({"anyOf": [{"enum": ["auto", "off"]}, {"type": "string", "minLength": 1}]}),
]
