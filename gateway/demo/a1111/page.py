"""The stand-in's page. It does what the real page does with a server: a
websocket for each click, a task that it names itself, and a bar that asks for its progress.
"""

from __future__ import annotations

import json

from gateway.demo.a1111.functions import CONFIG, GENERATE, INTERRUPT, SKIP

PAGE = (
    """<!doctype html><html lang="en"><meta charset="utf-8"><title>A1111 stand-in</title>
<script>window.gradio_config = """
    + json.dumps(CONFIG)
    + """</script>
<h1>This is a stand-in for AUTOMATIC1111's web UI</h1>
<p>It has no GPU and no model: it paints bands of colour, after a while, and counts what must not happen.
<a href="stand-in/stats">What it has counted</a></p>
<form id="txt2img"><input id="prompt" value="pretty dog" aria-label="Prompt">
<button id="txt2img_generate">Generate</button>
<button type="button" id="txt2img_interrupt">Interrupt</button>
<button type="button" id="txt2img_skip">Skip</button></form>
<p id="bar" role="status"></p>
<p id="said" role="status"></p>
<p id="result"></p>
<script>
"use strict";
const hash = Math.random().toString(36).slice(2), bar = document.getElementById("bar");
const root = location.href.replace(/[?#].*/, "").replace(/[^/]*$/, "");

function click(fn_index, data) { // one event of Gradio 3, from its first message to its last
  return new Promise((done, failed) => {
    const socket = new WebSocket(root.replace(/^http/, "ws") + "queue/join");
    const say = message => socket.send(JSON.stringify({fn_index, session_hash: hash, ...message}));
    socket.onmessage = ({data: text}) => {
      const message = JSON.parse(text);
      if (message.msg === "send_hash") say({});
      else if (message.msg === "estimation") bar.textContent = `place ${message.rank + 1} of ${message.queue_size}`;
      else if (message.msg === "send_data") say({data, event_data: null});
      else if (message.msg === "queue_full") failed(new Error("This application is too busy"));
      else if (message.msg === "process_completed")
        message.success ? done(message.output.data) : failed(new Error(message.output.error));
    };
    socket.onclose = () => failed(new Error("Connection errored out"));
  });
}

function submitting(now) { // the real one shows Generate, or Interrupt and Skip in its place, until the bar is gone
  document.getElementById("txt2img_generate").disabled = now;
  document.getElementById("txt2img_interrupt").textContent = "Interrupt";
}

async function watch(task) { // the real bar goes by these answers alone, and not by the end of the click
  const began = Date.now();
  let wasActive = false;
  submitting(true);
  for (;;) {
    const answer = await fetch("internal/progress", {method: "POST", headers: {"Content-Type": "application/json"},
      body: JSON.stringify({id_task: task, id_live_preview: -1, live_preview: false})});
    if (!answer.ok) break;
    const told = await answer.json();
    if (told.completed || (wasActive && !told.active)) break;
    if (Date.now() - began > 40000 && !told.active && !told.queued) break;
    wasActive = told.active;
    bar.textContent = told.textinfo || `${Math.round(100 * told.progress)}%`;
    await new Promise(later => setTimeout(later, 500));
  }
  bar.textContent = "";
  submitting(false);
}

document.getElementById("txt2img").onsubmit = async event => {
  event.preventDefault();
  const task = `task(${Math.random().toString(36).slice(2)})`, result = document.getElementById("result");
  const said = document.getElementById("said");
  said.textContent = "";
  const job = click("""
    + str(GENERATE)
    + """, [task, document.getElementById("prompt").value]);
  watch(task);
  try {
    const [[picture]] = await job;
    result.innerHTML = "";
    result.append(Object.assign(new Image(), {src: "file=" + picture.name, alt: "the picture"}));
    said.textContent = "done";
  } catch (error) { said.textContent = error.message; }
};
document.getElementById("txt2img_interrupt").onclick = event => {
  if (document.getElementById("txt2img_generate").disabled) event.target.textContent = "Interrupting...";
  click("""
    + str(INTERRUPT)
    + """, []).catch(() => 0);
};
document.getElementById("txt2img_skip").onclick = () => click("""
    + str(SKIP)
    + """, []).catch(() => 0);
</script></html>
"""
)
