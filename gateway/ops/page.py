"""The page at `/` and the files it is made of, read once. Nothing in it comes from elsewhere, no script stands in it,
and its policy lets it ask this server and nothing more. What it shows is set as text, never as markup.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "static"

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

PAGE = "index.html"

#: Trusted Types without a policy: no string can become markup or script, whatever it says.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def files() -> dict[str, tuple[bytes, str]]:
    """Content and type of each, by name."""
    return {path.name: (path.read_bytes(), _TYPES[path.suffix]) for path in sorted(_FOLDER.iterdir())}
