"""The page people see when the gateway answers itself. One file, no scripts, nothing loaded from elsewhere."""

from __future__ import annotations

from html import escape
from string import Template

_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
$refresh<title>$title</title>
<style>
:root { color-scheme: light dark }
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 36rem; margin: 20vh auto 0; padding: 0 1rem }
small { opacity: .6 }
</style>
</head>
<body>
<h1>$title</h1>
<p>$detail</p>
$again<p><small>Request $request_id</small></p>
</body>
</html>
""")


def page(title: str, detail: str, retry_after: int | None, request_id: str) -> bytes:
    """`retry_after`: the page loads itself again after so many seconds; None: that would not help."""
    refresh = again = ""
    if retry_after is not None:
        refresh = f'<meta http-equiv="refresh" content="{retry_after}">\n'
        again = "<p>This page tries again by itself.</p>\n"
    texts = {"title": escape(title), "detail": escape(detail), "request_id": escape(request_id)}
    return _PAGE.substitute(texts, refresh=refresh, again=again).encode()
