"""The page at `/`: names the endpoints and shows each pool in one line. Nothing in it comes from elsewhere; its policy
lets it run its script, ask this server, and nothing more. What it shows is set as text, never as markup.
"""

from __future__ import annotations

import base64
import hashlib

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
"""

_SCRIPT = """
const count = (backends) => {
  const states = {};
  for (const backend of backends) states[backend.state] = (states[backend.state] || 0) + 1;
  return Object.entries(states).map(([state, n]) => `${n} ${state}`).join(", ") || "none";
};
const row = (pool) => [pool.name, pool.in_flight, pool.line.waiting, pool.quarantined, pool.demand,
  pool.autoscaler ? pool.autoscaler.desired : "", pool.sessions_live, count(pool.backends)];
const refresh = async () => {
  try {
    const { pools } = await (await fetch("api/snapshot")).json();
    document.querySelector("tbody").replaceChildren(...pools.map((pool) => {
      const line = document.createElement("tr");
      for (const figure of row(pool)) line.insertCell().textContent = figure;
      return line;
    }));
    document.querySelector("#state").textContent = "";
  } catch (problem) {
    document.querySelector("#state").textContent = `No answer: ${problem.message}`;
  }
  setTimeout(refresh, 2000);
};
refresh();
"""

HTML = f"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Gateway</title>
<style>{_STYLE}</style>
<h1>Gateway</h1>
<table>
<thead><tr><th>Pool<th>In flight<th>Waiting<th>Quarantined<th>Demand<th>Desired<th>Sessions<th>Backends</thead>
<tbody></tbody>
</table>
<p id="state" role="status"></p>
<ul>
<li><a href="api/snapshot">api/snapshot</a>: all pools as they are now
<li><a href="metrics">metrics</a>: for Prometheus
<li><a href="healthz">healthz</a>: the process turns
<li><a href="readyz">readyz</a>: it takes requests
<li>POST api/pools/POOL/backends/BACKEND/release: end the backend's quarantines (with a header X-Requested-With)
</ul>
<script>{_SCRIPT}</script>
</html>
"""


def content_policy() -> str:
    """The page's Content-Security-Policy: its own style and script, by their digests, and requests to this server."""
    style, script = _digest(_STYLE), _digest(_SCRIPT)
    return (
        f"default-src 'none'; style-src {style}; script-src {script}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
