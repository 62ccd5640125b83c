"""A screenshot as a file that is small enough to be committed."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

FOLDER = Path(__file__).parent

#: Bytes: more than that nobody wants to clone each time a page has changed.
LIMIT = 80 * 1024

#: Pages have few colours, and the shades between them that make letters smooth.
_COLOURS = 128

#: Of moving the palette towards the colours that fill most of the picture: else grounds would be off by a shade.
_ROUNDS = 3


def save(name: str, screenshot: bytes) -> None:
    """Write the PNG with a palette. Raises ValueError if it is too big for all that."""
    with Image.open(io.BytesIO(screenshot)) as image:
        small = image.convert("RGB").quantize(
            _COLOURS, Image.Quantize.MAXCOVERAGE, kmeans=_ROUNDS, dither=Image.Dither.NONE
        )
    file = FOLDER / f"{name}.png"
    small.save(file, optimize=True)
    if (size := file.stat().st_size) > LIMIT:
        raise ValueError(f"{file} has {size} bytes, more than {LIMIT}")
