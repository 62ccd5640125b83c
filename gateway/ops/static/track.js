// One lane of the time axis: each request a bar, on bands that say how the lane stood. What moves is one layer; a bar
// stands still on it once it has ended. Bars that overlap stand one above the other.

import { make } from "./dom.js";
import { WINDOW } from "./model.js";

const percent = (value) => `${(value / WINDOW) * 100}%`;
const SEEN = 0.02; // seconds of waiting from which on it is drawn
const THIN = 8; // rows from which on a bar has no room for an edge

export class Track {
  /** `detail.show(bar, anchor)` and `detail.hide()` tell of one request. */
  constructor(detail) {
    this.detail = detail;
    this.bars = new Map(); // by request and time of arrival
    this.bands = new Map(); // by when they began
    this.layer = make("div", { class: "layer" });
    this.element = make("div", { class: "track", tabindex: "0", role: "group" }, this.layer);
    this.#listen();
  }

  /** Bars have their rows: see `rowed`. `label` tells of the lane whom they do not reach. */
  show(label, bands, bars, now, epoch) {
    this.element.setAttribute("aria-label", label);
    this.#bands(bands, epoch);
    this.#bars(bars, epoch);
    this.layer.style.transform = `translateX(${-((now - epoch - WINDOW) / WINDOW) * 100}%)`;
  }

  #bands(bands, epoch) {
    const kept = new Set();
    for (const { state, since, until } of bands) {
      if (state === "gone") continue;
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
      const key = `${bar.request} ${begin(bar)}`;
      kept.add(key);
      const drawn = this.bars.get(key) ?? this.#draw(key);
      if (["result", "over", "row", "rows"].every((fact) => drawn.bar?.[fact] === bar[fact])) continue;
      drawn.bar = bar;
      drawn.solid.className = `bar ${bar.result}`;
      drawn.solid.classList.toggle("collides", bar.collides);
      drawn.solid.classList.toggle("thin", bar.rows >= THIN);
      drawn.solid.classList.toggle("chosen", drawn === this.chosen);
      drawn.solid.style.setProperty("--row", bar.row);
      drawn.solid.style.setProperty("--rows", bar.rows);
      place(drawn.solid, begin(bar), bar.over, epoch);
      place(drawn.pale, bar.arrived, begin(bar), epoch);
      drawn.pale.hidden = begin(bar) - bar.arrived < SEEN;
    }
    drop(this.bars, kept);
    if (this.chosen && !this.bars.has(this.chosen.key)) this.#leave();
  }

  #draw(key) {
    const drawn = { key, solid: make("div"), pale: make("div", { class: "wait" }), remove() { this.solid.remove(); this.pale.remove(); } };
    drawn.solid.drawn = drawn.pale.drawn = drawn;
    this.layer.append(drawn.pale, drawn.solid);
    this.bars.set(key, drawn);
    return drawn;
  }

  /** The pointer shows what it is over; the arrow keys go from request to request. Bars glide below a pointer that
   *  rests somewhere: that takes nothing away that the keys have chosen. */
  #listen() {
    const pointAt = (drawn) => {
      if (drawn) this.#choose(drawn, true);
      else if (this.isPointed) this.#leave();
    };
    this.element.addEventListener("pointerover", ({ target }) => pointAt(target.drawn));
    this.element.addEventListener("pointerleave", () => pointAt(undefined));
    this.element.addEventListener("blur", () => this.#leave());
    this.element.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (event.key === "Escape") this.#leave();
      if (step === undefined) return;
      event.preventDefault();
      const all = [...this.bars.values()].sort((one, other) => begin(one.bar) - begin(other.bar));
      const at = all.indexOf(this.chosen);
      const next = at < 0 ? all.at(step < 0 ? -1 : 0) : all[Math.min(all.length - 1, Math.max(0, at + step))];
      if (next) this.#choose(next, false);
    });
  }

  #choose(drawn, isPointed) {
    this.isPointed = isPointed;
    this.chosen?.solid.classList.remove("chosen");
    this.chosen = drawn;
    drawn.solid.classList.add("chosen");
    this.detail.show(drawn.bar, drawn.solid);
  }

  #leave() {
    if (!this.chosen) return;
    this.chosen.solid.classList.remove("chosen");
    this.chosen = undefined;
    this.detail.hide();
  }
}

/** Each bar gets the first row that is free when it begins. One that needs a row beyond the limit (0: none) collides. */
export function rowed(bars, limit) {
  const ends = [];
  const placed = bars.toSorted((one, other) => begin(one) - begin(other)).map((bar) => {
    let row = ends.findIndex((end) => end <= begin(bar) + 0.001);
    if (row < 0) row = ends.length;
    ends[row] = bar.over;
    return { ...bar, row, collides: limit > 0 && row >= limit };
  });
  return placed.map((bar) => ({ ...bar, rows: Math.max(1, ends.length) }));
}

/** Where the solid part begins: with the turn, or, if there was none, with the request. */
function begin(bar) {
  return bar.granted ?? bar.arrived;
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
