// The strip of numbers.

import { each, make, text } from "./dom.js";
import { seconds } from "./words.js";

export function showFigures(list, pool, now, times) {
  const oldest = pool.oldest == null ? "" : `oldest ${seconds(Math.floor(now - pool.oldest))}`;
  const items = [
    ["waiting", "Waiting", pool.waiting + pool.waiting_exempt, oldest],
    ["in-flight", "At work", pool.in_flight, ""],
    ["ready", "Pods ready", pool.ready, pool.scaler ? `of ${pool.scaler.desired} wanted` : `of ${pool.backends}`],
    ["quarantined", "Quarantined", pool.quarantined, "", pool.quarantined > 0],
    ["wait", "Median wait", seconds(times.wait?.[0]), times.wait ? `p99 ${seconds(times.wait[2])}` : ""],
    ["service", "Median work", seconds(times.service?.[0]), times.service ? `p99 ${seconds(times.service[2])}` : ""],
    ["served", "Served", times.count ?? 0, "in two minutes"],
    ["sessions", "Sessions", pool.sessions_live, ""],
  ];
  each(list, items, () => make("div", {}, make("dt", {}, make("span"), make("small")), make("dd")), (box, item) => {
    const [name, label, value, beside, warn] = item;
    const [title, figure] = box.children;
    box.dataset.figure = name;
    box.classList.toggle("warn", Boolean(warn));
    text(title.firstElementChild, label);
    text(title.lastElementChild, beside);
    text(figure, value);
  });
}
