"""The text of the waiting page: the template that ships, what a template may contain, and the script that lets a
page go on by itself. Knows no pool.

A template is HTML with these words in it: `$heading` is a few words, `$state` and `$expected` are sentences,
`$request_id` is the log's, and `$follow`, which belongs into the head, makes the page ask again and load
itself when there is a backend. The script keeps the text of elements marked `data-start="state"` and
`data-start="expected"` true, and the value of a `<progress data-start="progress"$progress>`, whose first
value is `$progress`. Any other `$` stands for itself.
"""

from __future__ import annotations

import base64
import hashlib
from html import escape
from string import Template

from gateway.proxy.answers.error_page import LOOK

#: A request with this field is the page asking how far the start is.
POLL = (b"x-waiting-page", b"poll")

#: Seconds between two questions of the page, and between two loads where scripts are off.
_ASKS_EVERY, _LOADS_EVERY = 2, 5

# The request goes to the page's own address, so that it meets the same pool and lane, whatever stands before us.
# What does not answer as the gateway would is the backend, or something else that the visitor should see.
_SCRIPT = f"""
(() => {{
  let timer;
  const marked = (name) => document.querySelectorAll(`[data-start="${{name}}"]`);
  const say = (name, text) => marked(name).forEach((e) => {{ if (e.textContent !== text) e.textContent = text; }});
  const fill = (part) => marked("progress").forEach((e) => {{
    if (part === null) e.removeAttribute("value"); else e.value = part;
  }});
  const look = async () => {{
    clearTimeout(timer);
    let seconds = {_ASKS_EVERY};
    try {{
      const answer = await fetch(location.href, {{
        headers: {{"{POLL[0].decode()}": "{POLL[1].decode()}", accept: "application/json"}},
        cache: "no-store", redirect: "manual",
      }});
      const kind = answer.headers.get("content-type") || "";
      if (answer.headers.get("{POLL[0].decode()}") === "waiting") {{
        const told = await answer.json();
        say("state", told.state);
        say("expected", told.expected);
        fill(told.progress);
      }} else if (answer.status === 503 && kind.startsWith("application/problem+json")) {{
        const told = await answer.json();
        say("state", told.title + ".");
        say("expected", told.detail);
        fill(null);
        seconds = Math.min(told.retry_after || 10, 10);
      }} else {{
        location.reload();
        return;
      }}
    }} catch {{
      say("expected", "The connection is lost. Trying again.");
    }}
    timer = setTimeout(look, seconds * 1000);
  }};
  timer = setTimeout(look, {_ASKS_EVERY * 1000});
  document.addEventListener("visibilitychange", () => {{ if (!document.hidden) look(); }});
}})();
"""

_FOLLOW = f'<noscript><meta http-equiv="refresh" content="{_LOADS_EVERY}"></noscript>\n<script>{_SCRIPT}</script>'

#: Of the page that ships: it loads nothing from anywhere, and runs that one script.
POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    f"script-src 'sha256-{base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()}'"
).encode()

#: The one that ships.
AUTO = (
    """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$heading</title>
<style>
"""
    + LOOK
    + """\
progress {
  appearance: none; display: block; width: 100%; height: .5rem; margin: 1.75rem 0 1rem;
  border: 0; border-radius: .25rem; overflow: hidden; background: var(--rule);
}
progress::-webkit-progress-bar { background: var(--rule) }
progress::-webkit-progress-value { background: var(--busy); transition: width .4s ease-out }
progress::-moz-progress-bar { background: var(--busy) }
progress:indeterminate {
  background: linear-gradient(90deg, transparent, var(--busy), transparent) 0 0 / 40% 100% no-repeat var(--rule);
  animation: on 2s linear infinite;
}
progress:indeterminate::-webkit-progress-bar { background: transparent }
progress:indeterminate::-moz-progress-bar { background: transparent }
@keyframes on { from { background-position: -70% 0 } to { background-position: 170% 0 } }
@media (prefers-reduced-motion: reduce) {
  progress::-webkit-progress-value { transition: none }
  progress:indeterminate { animation: none; background: var(--rule) }
}
[role=status] { font-weight: 600 }
[data-start=expected] { color: var(--soft); margin: 0 }
</style>
$follow
</head>
<body>
<main>
<h1>$heading</h1>
<p>No backend is ready yet. This page goes on by itself when one is.</p>
<progress data-start="progress" max="1"$progress aria-label="Progress of the start"></progress>
<p role="status" data-start="state">$state</p>
<p data-start="expected">$expected</p>
<p><small>Request $request_id</small></p>
</main>
</body>
</html>
"""
)


def is_template(text: str) -> bool:
    """The page will go on by itself."""
    return "$follow" in text


def fill(template: str, *, heading: str, state: str, expected: str, progress: float | None, request_id: str) -> bytes:
    """The page for one visitor. `progress`: from 0 to 1; None: not known."""
    sentences = {"heading": heading, "state": state, "expected": expected, "request_id": request_id}
    words = {name: escape(sentence) for name, sentence in sentences.items()}
    words["progress"] = "" if progress is None else f' value="{progress:g}"'
    return Template(template).safe_substitute(words, follow=_FOLLOW).encode()
