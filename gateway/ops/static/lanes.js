// The lanes: first the line, with each request that waits a pale bar; then one for each pod, with each request that it
// took a solid one. Gaps show as gaps; two bars that a pod should not have had at the same time are framed.

import { cut, make, text } from "./dom.js";
import { Track, rowed } from "./track.js";
import { lineState, modelState, podState } from "./words.js";

const MOST = 40; // lanes: more than that nobody reads; the filter finds the others
const IN_LINE = 16; // bars of the line: more than that cannot be told apart

export class Lanes {
  /** `queue` is where the line's lane goes, `parent` where the pods' go; `orders(pod, parent)` makes a pod's buttons. */
  constructor(queue, parent, detail, orders) {
    this.queue = new Lane("queue", detail);
    queue.append(this.queue.root);
    this.parent = parent;
    this.detail = detail;
    this.orders = orders;
    this.lanes = new Map();
    this.filter = "";
  }

  /** `key` changes when the time axis begins anew. Returns how many pods there are that are not shown. */
  show(pool, now, epoch, key) {
    if (this.key !== key) {
      for (const [id, lane] of this.lanes) this.#remove(id, lane);
      this.key = key;
    }
    this.queue.show({ ...lineOf(pool, now), now, epoch });
    const all = [...pool.pods.values()].filter((pod) => `${pod.name} ${pod.word} ${pod.model ?? ""}`.includes(this.filter));
    if (all.length > MOST) all.sort((one, other) => (one.state === "gone") - (other.state === "gone"));
    const shown = all.slice(0, MOST);
    const ended = Map.groupBy(pool.ended.filter((bar) => bar.granted != null), (bar) => bar.pod);
    const ids = new Set(shown.map((pod) => pod.id));
    for (const [id, lane] of this.lanes) if (!ids.has(id)) this.#remove(id, lane);
    shown.forEach((pod, index) => {
      const lane = this.lanes.get(pod.id) ?? this.#add(pod.id);
      if (this.parent.children[index] !== lane.root) this.parent.insertBefore(lane.root, this.parent.children[index] ?? null);
      const model = pool.knowsModels ? modelState(pod) : null;
      lane.show({ ...laneOf(pod, ended.get(pod.name) ?? [], now), model, now, epoch });
      lane.root.dataset.state = pod.word;
      lane.root.dataset.pod = pod.id;
      lane.name.title = pod.id;
      this.orders(pod, lane.buttons);
    });
    return all.length - shown.length;
  }

  #add(id) {
    const lane = new Lane("lane", this.detail);
    this.lanes.set(id, lane);
    return lane;
  }

  #remove(id, lane) {
    lane.root.remove();
    this.lanes.delete(id);
  }
}

/** Who it is and how it stands, and its track. */
class Lane {
  constructor(kind, detail) {
    this.name = make("span", { class: "name" });
    this.buttons = make("span", { class: "orders" });
    this.state = make("span", { class: "state" });
    this.sum = make("span", { class: "sum" });
    this.model = make("div", { class: "model cut", hidden: "" });
    this.track = new Track(detail);
    const who = make("div", { class: "who" }, make("div", {}, this.name, this.buttons), make("div", {}, this.state, this.sum), this.model);
    this.root = make("div", { class: kind }, who, this.track.element);
  }

  /** `model` null: there is nothing to tell of models. */
  show({ name, state, sum, model, bands, bars, now, epoch }) {
    text(this.name, name);
    text(this.state, state);
    text(this.sum, sum);
    this.state.title = state;
    this.model.hidden = model === null;
    cut(this.model, model ?? "");
    this.track.show(`${name}: ${state}${model ? `, ${model}` : ""}; ${bars.length} requests in two minutes`, bands, bars, now, epoch);
  }
}

/** A pod's: what it has served or lost, and what it works on. */
function laneOf(pod, ended, now) {
  const working = pod.turns.map((turn) => ({ ...turn, over: now, result: "working", pod: pod.name }));
  return {
    name: pod.name,
    state: podState(pod, now),
    sum: pod.served ? `${pod.served} served` : "",
    bands: pod.bands,
    bars: rowed([...ended, ...working], pod.limit),
  };
}

/** The line's: who waits now, and who left it without a turn. Whoever got one goes on in a pod's lane. */
function lineOf(pool, now) {
  const waiting = pool.line.slice(0, IN_LINE).map((place) => ({ ...place, granted: null, over: now, result: "waiting", pod: place.home }));
  const left = pool.ended.filter((bar) => bar.granted == null);
  return { name: "Line", state: lineState(pool, now), sum: "", model: null, bands: [], bars: rowed([...left, ...waiting], 0) };
}
