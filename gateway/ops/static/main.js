// Puts the page together: the feed tells the model, the model is shown. What moves is shown with each frame, what one
// reads once a second.

import { Detail } from "./detail.js";
import { each, find, make, text } from "./dom.js";
import { follow } from "./feed.js";
import { showFigures } from "./figures.js";
import { headline, scaling, titled } from "./headline.js";
import { Knative } from "./knative.js";
import { Lanes } from "./lanes.js";
import { Model } from "./model.js";
import { Orders } from "./orders.js";
import { isOutage, outages } from "./outages.js";
import { Scale } from "./scale.js";
import { Span } from "./span.js";
import { showFailures, showLine, showPods, showPoints, showSessions, showTimes, timesOf } from "./tables.js";
import { modelsLoaded } from "./words.js";

const READ_EVERY = 1000; // ms
const STATES = { live: "Live", lost: "Not connected, trying again …" };

const model = new Model();
const orders = new Orders(find("#operate"), find("#token"), () => show(true));
const lanes = new Lanes(find("#queue"), find("#lanes"), new Detail(find("#detail")), (pod, parent) => orders.ofPod(pod, parent));
const scale = new Scale(find("#scale"));
const span = new Span(find("#span"), document.querySelectorAll(".axis"), () => show(true));
const knative = new Knative(find("#knative"));
let chosen = null; // name of a pool
let readAt = -Infinity;
let times = {};

find("#filter input").addEventListener("input", ({ target }) => {
  lanes.filter = target.value.trim();
  show(true);
});
for (const details of document.querySelectorAll("details")) details.addEventListener("toggle", () => show(true));

follow("api/live", {
  whole: (frame) => { model.whole(frame); show(true); },
  news: (frame) => { model.news(frame); show(false); },
  state: (word) => {
    const [isServing, why] = model.status;
    document.body.dataset.connection = word;
    text(find("#connection"), word === "live" && !isServing ? `Live; the gateway is ${why}` : STATES[word]);
  },
});

function show(isRead) {
  const pool = model.pools.get(chosen) ?? model.pools.values().next().value;
  showPools(pool);
  orders.offer(model.admin);
  if (!pool) return;
  const now = model.at;
  const seconds = span.show(pool, now);
  if (performance.now() - readAt >= READ_EVERY || isRead) {
    readAt = performance.now();
    times = timesOf(pool);
    read(pool, now);
  }
  showHeadline(pool, now);
  text(find("#scaling"), scaling(pool));
  document.title = titled(pool);
  showFigures(find("#figures"), pool, now, times);
  scale.show([...pool.points, pool.point(now)], now, seconds);
  const beyond = lanes.show(pool, now, model.epoch, `${pool.name} ${model.epoch}`);
  find("#no-pods").hidden = pool.pods.size > 0;
  find("#keys").hidden = pool.pods.size === 0;
  showModels(pool);
  find("#filter").hidden = beyond === 0 && !lanes.filter;
  find("#more").hidden = beyond === 0;
  text(find("#more"), `and ${beyond} more; say above which to show`);
  showLine(find("#line"), pool, now, orders);
}

/** And below it what is wrong besides. */
function showHeadline(pool, now) {
  const line = find("#headline");
  const wrong = outages(pool, now);
  text(line, headline(pool, now));
  line.classList.toggle("warn", isOutage(pool, now));
  find("#outages").hidden = wrong.length === 0;
  each(find("#outages ul"), wrong, () => make("li"), text);
}

function read(pool, now) {
  showTimes(find("#times"), times);
  showSessions(find("#sessions"), pool, now);
  showFailures(find("#failures"), model.failures, pool, now);
  showPods(find("#pods-as-table"), pool, now);
  showPoints(find("#scale-as-table"), pool, now);
  knative.show(pool, model.hears);
  showStale(find("#stale"), model.stale[pool.name]);
}

/** What is loaded, where that matters. */
function showModels(pool) {
  const beside = find("#pods-title small");
  const loaded = pool.models ? modelsLoaded(pool) : "";
  beside.hidden = !loaded;
  text(beside, loaded);
  find("#filter input").placeholder = pool.models ? "name, state or model" : "name or state";
}

/** Why what is known of the pods may not be true any more. */
function showStale(line, reasons) {
  line.hidden = !reasons;
  text(line, reasons ? `No news of these pods comes: ${reasons.join("; ")}. Who was known is served on.` : "");
}

/** One pool needs no choice, only its name. */
function showPools(pool) {
  each(find("#pools"), [...model.pools.keys()], () => {
    const button = make("button", { type: "button" });
    button.addEventListener("click", () => { chosen = button.textContent; show(true); });
    return button;
  }, (button, name) => {
    text(button, name);
    button.setAttribute("aria-current", String(name === pool?.name));
  });
}
