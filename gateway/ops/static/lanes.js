// A lane for each pod: two minutes, each request a bar. Gaps show as gaps; two bars that a pod should not have had at
// the same time stand one above the other, and are framed.

import { find, make, text } from "./dom.js";
import { WINDOW } from "./model.js";
import { podState } from "./words.js";

const MOST = 40; // lanes: more than that nobody reads; the filter finds the others
const percent = (value) => `${(value / WINDOW) * 100}%`;

export class Lanes {
  /** `detail.show(bar, anchor)` and `detail.hide()` tell of one request; `orders(pod)` gives its buttons. */
  constructor(parent, detail, orders) {
    this.parent = parent;
    this.detail = detail;
    this.orders = orders;
    this.lanes = new Map();
    this.filter = "";
  }

  /** `key` changes when the time axis begins anew. Returns how many pods there are that are not shown. */
  show(pool, now, epoch, key) {
    if (this.key !== key) {
      this.clear();
      this.key = key;
    }
    const all = [...pool.pods.values()].filter((pod) => `${pod.name} ${pod.word}`.includes(this.filter));
    if (all.length > MOST) all.sort((one, other) => (one.state === "gone") - (other.state === "gone"));
    const shown = all.slice(0, MOST);
    const ended = Map.groupBy(pool.ended.filter((bar) => bar.granted != null), (bar) => bar.pod);
    const ids = new Set(shown.map((pod) => pod.id));
    for (const [id, lane] of this.lanes) if (!ids.has(id)) this.#remove(id, lane);
    shown.forEach((pod, index) => {
      const lane = this.lanes.get(pod.id) ?? this.#add(pod.id);
      if (this.parent.children[index] !== lane.root) this.parent.insertBefore(lane.root, this.parent.children[index] ?? null);
      lane.show(pod, ended.get(pod.name) ?? [], now, epoch);
    });
    return all.length - shown.length;
  }

  clear() {
    for (const [id, lane] of this.lanes) this.#remove(id, lane);
  }

  #add(id) {
    const lane = new Lane(this.detail, this.orders);
    this.lanes.set(id, lane);
    return lane;
  }

  #remove(id, lane) {
    lane.root.remove();
    this.lanes.delete(id);
  }
}

class Lane {
  constructor(detail, orders) {
    this.detail = detail;
    this.orders = orders;
    this.bars = new Map(); // by request and time of grant
    this.bands = new Map(); // by when they began
    this.name = make("span", { class: "name" });
    this.state = make("span", { class: "state" });
    this.buttons = make("span", { class: "orders" });
    this.layer = make("div", { class: "layer" });
    this.track = make("div", { class: "track", tabindex: "0", role: "group" }, this.layer);
    this.root = make("div", { class: "lane" }, make("div", { class: "who" }, this.name, this.buttons, this.state), this.track);
    this.#listen();
  }

  show(pod, ended, now, epoch) {
    this.root.dataset.state = pod.word;
    this.root.dataset.pod = pod.id;
    text(this.name, pod.name);
    this.name.title = pod.id;
    text(this.state, podState(pod, now));
    this.state.title = this.state.textContent;
    this.orders(pod, this.buttons);
    const working = pod.turns.map((turn) => ({ ...turn, over: now, outcome: "working", pod: pod.name }));
    const bars = [...ended, ...working].sort((one, other) => one.granted - other.granted);
    this.track.setAttribute("aria-label", `${pod.name}: ${podState(pod, now)}; ${bars.length} requests in two minutes`);
    this.#bands(pod.bands, epoch);
    this.#bars(rowed(bars, pod.limit), epoch);
    this.layer.style.transform = `translateX(${-((now - epoch - WINDOW) / WINDOW) * 100}%)`;
  }

  #bands(bands, epoch) {
    const kept = new Set();
    for (const { state, since, until } of bands) {
      if (state === "ready" || state === "gone") continue;
      kept.add(since);
      const band = this.bands.get(since) ?? this.layer.insertBefore(make("div", { class: `band ${state}` }), this.layer.firstChild);
      this.bands.set(since, band);
      place(band, since, until, epoch);
    }
    drop(this.bands, kept);
  }

  #bars(bars, epoch) {
    const kept = new Set();
    for (const bar of bars) {
      const key = `${bar.request} ${bar.granted}`;
      kept.add(key);
      const drawn = this.bars.get(key) ?? this.#draw(key);
      if (drawn.bar?.outcome !== "working" && drawn.bar?.over === bar.over && drawn.bar.rows === bar.rows) continue;
      drawn.bar = bar;
      drawn.solid.className = `bar ${bar.outcome}${bar.collides ? " collides" : ""}`;
      drawn.solid.style.setProperty("--row", bar.row);
      drawn.solid.style.setProperty("--rows", bar.rows);
      place(drawn.solid, bar.granted, bar.over, epoch);
      place(drawn.pale, bar.arrived, bar.granted, epoch);
      drawn.pale.hidden = bar.granted - bar.arrived < 0.02;
    }
    drop(this.bars, kept);
  }

  #draw(key) {
    const drawn = { solid: make("div"), pale: make("div", { class: "wait" }), remove() { this.solid.remove(); this.pale.remove(); } };
    drawn.solid.drawn = drawn.pale.drawn = drawn;
    this.layer.append(drawn.pale, drawn.solid);
    this.bars.set(key, drawn);
    return drawn;
  }

  /** The pointer shows what it is over; the arrow keys go from request to request. */
  #listen() {
    this.track.addEventListener("pointerover", ({ target }) => (target.drawn ? this.#choose(target.drawn) : this.#leave()));
    this.track.addEventListener("pointerleave", () => this.#leave());
    this.track.addEventListener("blur", () => this.#leave());
    this.track.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === "Escape") this.#leave();
      if (step === undefined) return;
      event.preventDefault();
      const all = [...this.bars.values()].sort((one, other) => one.bar.granted - other.bar.granted);
      const at = all.indexOf(this.chosen);
      const next = at < 0 ? all.at(step < 0 ? -1 : 0) : all[Math.min(all.length - 1, Math.max(0, at + step))];
      if (next) this.#choose(next);
    });
  }

  #choose(drawn) {
    this.chosen?.solid.classList.remove("chosen");
    this.chosen = drawn;
    drawn.solid.classList.add("chosen");
    this.detail.show(drawn.bar, drawn.solid);
  }

  #leave() {
    this.chosen?.solid.classList.remove("chosen");
    this.chosen = undefined;
    this.detail.hide();
  }
}

/** Each bar gets the first row that is free when it begins. One that needs a row beyond the limit collides. */
function rowed(bars, limit) {
  const ends = [];
  const placed = bars.map((bar) => {
    let row = ends.findIndex((end) => end <= bar.granted + 0.001);
    if (row < 0) row = ends.length;
    ends[row] = bar.over;
    return { ...bar, row, collides: limit > 0 && row >= limit };
  });
  return placed.map((bar) => ({ ...bar, rows: Math.max(1, ends.length) }));
}

function place(element, since, until, epoch) {
  element.style.left = percent(since - epoch);
  element.style.width = percent(Math.max(0, until - since));
}

function drop(drawn, kept) {
  for (const [key, element] of drawn) {
    if (kept.has(key)) continue;
    element.remove();
    drawn.delete(key);
  }
}
