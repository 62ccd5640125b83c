"""The page at `/` and its files, read once. It loads nothing from elsewhere and has no inline script, and its
policy lets it ask this server alone. What it shows is set as text, never as markup.
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

#: Trusted Types without a policy: no string can become markup or script.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


def files() -> dict[str, tuple[bytes, str]]:
    """The content and the type of each file, by name."""
    return {path.name: (path.read_bytes(), _TYPES[path.suffix]) for path in sorted(_FOLDER.iterdir())}
