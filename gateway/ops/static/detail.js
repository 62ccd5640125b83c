// The card that tells of one request, beside its bar.

import { make } from "./dom.js";
import { Why } from "./why.js";
import { RESULTS, awaited, bytes, seconds } from "./words.js";

export class Detail {
  constructor(card) {
    this.card = card;
    this.why = new Why();
  }

  show(bar, anchor) {
    const facts = [["Request", bar.request], ["Session", bar.session ?? "none"], waiting(bar)];
    if (bar.granted != null) facts.push([bar.result === "working" ? "At work" : "Worked", seconds(bar.over - bar.granted)]);
    if (bar.result === "waiting") facts.push(["For", awaited(bar)]);
    else if (bar.result === "working") facts.push(["Result", "still at work"]);
    else facts.push(["Bytes", `${bytes(bar.bytes_in)} in, ${bytes(bar.bytes_out)} out`], ["Result", result(bar)]);
    if (bar.collides) facts.push(["Beware", "more at once than this pod may have"]);
    this.card.replaceChildren(make("dl", {}, ...facts.flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)])));
    this.card.hidden = false;
    this.#place(anchor.getBoundingClientRect());
    this.why.ask(bar.request, (parts) => {
      this.card.firstElementChild.append(make("dt", {}, "Why"), make("dd", {}, ...parts.map((part) => make("div", {}, part))));
      this.#place(anchor.getBoundingClientRect());
    });
  }

  hide() {
    this.why.forget();
    this.card.hidden = true;
  }

  #place(bar) {
    const { width, height } = this.card.getBoundingClientRect();
    const left = Math.min(Math.max(8, Math.max(bar.left, 8)), innerWidth - width - 8);
    const below = bar.bottom + 10;
    this.card.style.left = `${left}px`;
    this.card.style.top = `${below + height > innerHeight ? Math.max(8, bar.top - height - 10) : below}px`;
  }
}

function waiting(bar) {
  const place = bar.place ? `, came as number ${bar.place}` : "";
  return [bar.result === "waiting" ? "Waits" : "Waited", seconds((bar.granted ?? bar.over) - bar.arrived) + place];
}

const result = (bar) => `${RESULTS[bar.result] ?? bar.result}${bar.status ? `, status ${bar.status}` : ""} (${bar.code})`;
