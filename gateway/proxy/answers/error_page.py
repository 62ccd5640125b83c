"""The page that a browser gets when the gateway answers itself. One file, no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

from html import escape
from string import Template

#: How pages of the gateway look, in light and in dark. The waiting page has it, too.
LOOK = """\
:root { color-scheme: light dark; --ground: #f6f6f3; --ink: #1b222c; --soft: #586272; --rule: #dcded9; --busy: #2d6cdf }
@media (prefers-color-scheme: dark) {
  :root { --ground: #11141a; --ink: #e8ebf0; --soft: #9ba6b5; --rule: #2a313c; --busy: #6ca4ff }
}
body { background: var(--ground); color: var(--ink); font: 1.0625rem/1.5 system-ui, sans-serif; margin: 18vh 1.25rem 0 }
main { max-width: 34rem; margin: 0 auto; overflow-wrap: anywhere }
h1 { font-size: 1.75rem; line-height: 1.25; letter-spacing: -.015em; margin: 0 }
p { margin: .5rem 0 0; text-wrap: pretty }
small { display: block; margin-top: 1.5rem; font-size: .8125rem; color: var(--soft) }
"""

_PAGE = Template(
    """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
$refresh<title>$title</title>
<style>
"""
    + LOOK
    + """\
</style>
</head>
<body>
<main>
<h1>$title</h1>
<p>$detail</p>
$again<p><small>Request $request_id</small></p>
</main>
</body>
</html>
"""
)


def page(title: str, detail: str, retry_after: int | None, request_id: str) -> bytes:
    """`retry_after`: the page loads itself again after so many seconds; None: that would not help."""
    refresh = again = ""
    if retry_after is not None:
        refresh = f'<meta http-equiv="refresh" content="{retry_after}">\n'
        again = "<p>This page tries again by itself.</p>\n"
    texts = {"title": escape(title), "detail": escape(detail), "request_id": escape(request_id)}
    return _PAGE.substitute(texts, refresh=refresh, again=again).encode()
