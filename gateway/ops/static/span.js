// How much of the last two minutes the time axes show: what was chosen, or else the shortest that holds all that is in
// sight. That one grows when something would leave on the left, and begins anew only when nothing is left.

import { each, find, make, text } from "./dom.js";
import { WINDOW } from "./model.js";

const PARTS = new Map([[30, 3], [60, 4], [WINDOW, 4]]); // seconds that are shown, and into how many parts they are ruled

export class Span {
  /** `field` has the choice, as radio buttons; `axes` are labelled; `changed` is called when another one was chosen. */
  constructor(field, axes, changed) {
    this.field = field;
    this.axes = axes;
    this.grown = { pool: null, seconds: 0 };
    field.addEventListener("change", changed);
  }

  /** Seconds to show of `pool`, on all axes from now on. */
  show(pool, now) {
    const seconds = Number(find("input:checked", this.field).value) || this.#needed(pool, now);
    if (seconds === this.seconds) return seconds;
    this.seconds = seconds;
    const parts = PARTS.get(seconds);
    document.documentElement.style.setProperty("--span", seconds);
    document.documentElement.style.setProperty("--parts", parts);
    for (const axis of this.axes) {
      each(axis, [...Array(parts + 1).keys()], () => make("span"), (mark, index) => {
        const ago = seconds - (index * seconds) / parts;
        text(mark, ago === 0 ? "now" : index === 0 ? `${ago} s ago` : `${ago} s`);
        mark.style.left = `${(index / parts) * 100}%`;
      });
    }
    return seconds;
  }

  #needed(pool, now) {
    const age = now - oldest(pool, now - WINDOW);
    const before = this.grown.pool === pool.name && Number.isFinite(age) ? this.grown.seconds : 0;
    const seconds = [...PARTS.keys()].find((each) => each >= Math.max(before, Number.isFinite(age) ? age : 0)) ?? WINDOW;
    this.grown = { pool: pool.name, seconds };
    return seconds;
  }
}

/** When the first of all that began or ended after `since` did so; Infinity: nothing. */
function oldest(pool, since) {
  const pods = [...pool.pods.values()];
  const requests = [...pool.ended, ...pool.line, ...pods.flatMap((pod) => pod.turns)].map((bar) => bar.arrived);
  const changes = pods.flatMap((pod) => pod.bands).flatMap((band) => [band.since, band.state === "ready" ? Infinity : band.until]);
  return Math.min(...[...requests, ...changes].filter((at) => at > since));
}
