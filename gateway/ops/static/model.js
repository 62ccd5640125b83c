// What is known: the last figures, and of the last two minutes what has ended and was measured. Bounded, like its source.

export const WINDOW = 120; // seconds that are shown
const MARGIN = 10; // seconds that are kept beyond the left edge
const BARS = 3000;
const FAILURES = 50;

export class Model {
  constructor() {
    this.pools = new Map();
    this.failures = [];
    this.status = [true, ""];
    this.admin = false;
    this.epoch = 0; // positions on the time axis count from here: small numbers, exact pixels
  }

  /** Seconds on the gateway's clock. */
  now() {
    return this.at + (performance.now() - this.heardAt) / 1000;
  }

  whole(told) {
    this.columns = told.columns;
    this.admin = told.admin;
    this.pools.clear();
    this.failures = [];
    this.epoch = told.now;
    this.news(told);
  }

  news(told) {
    this.at = told.now;
    this.heardAt = performance.now();
    this.status = told.status;
    const names = new Set();
    for (const row of told.pools) {
      const glance = this.#object("glance", row);
      names.add(glance.name);
      if (!this.pools.has(glance.name)) this.pools.set(glance.name, new PoolModel());
      this.pools.get(glance.name).update(glance, told, (kind, each) => this.#object(kind, each));
    }
    for (const name of this.pools.keys()) if (!names.has(name)) this.pools.delete(name);
    this.failures = [...told.failed.map((row) => this.#object("failed", row)).reverse(), ...this.failures].slice(0, FAILURES);
  }

  #object(kind, row) {
    return Object.fromEntries(this.columns[kind].map((column, index) => [column, row[index]]));
  }
}

class PoolModel {
  constructor() {
    this.pods = new Map(); // by id, in the order in which they came
    this.ended = [];
    this.points = [];
  }

  update(glance, told, object) {
    const oldest = told.now - WINDOW - MARGIN;
    Object.assign(this, glance, { pods: this.pods });
    this.sessions = glance.sessions.map(([hash, home, seen]) => ({ hash, home, seen }));
    this.line = glance.line.map((row) => object("place", row));
    this.scaler = told.scalers[glance.name] ?? null;
    this.ended.push(...(told.ended[glance.name] ?? []).map((row) => object("ended", row)));
    this.ended = this.ended.filter((bar) => bar.over > oldest).slice(-BARS);
    this.points.push(...(told.points[glance.name] ?? []).map((row) => object("point", row)));
    this.points = this.points.filter((point) => point.at > oldest);
    this.#look(glance, told, oldest, object);
  }

  /** Some pods of many come in turns: one is gone when its turn has passed without it. */
  #look(glance, told, oldest, object) {
    for (const row of glance.pods) {
      const pod = object("pod", row);
      pod.turns = pod.turns.map((turn) => object("turn", turn));
      pod.seen = told.number;
      pod.word = pod.quarantined > 0 && pod.state !== "draining" ? "quarantined" : pod.state;
      pod.bands = bands(this.pods.get(pod.id)?.bands ?? [], pod, told.now).filter((band) => band.until > oldest);
      this.pods.set(pod.id, pod);
    }
    const turns = glance.pods.length ? Math.ceil(glance.backends / glance.pods.length) : 1;
    const missed = turns > 1 ? 2 * turns : 0;
    for (const [id, pod] of this.pods) if (told.number - pod.seen > missed) this.pods.delete(id);
  }
}

/** When the pod was in which state, as far as it was seen. Ready is the rule, and has no band. */
function bands(before, pod, now) {
  const last = before.at(-1);
  if (last?.state === pod.word) {
    last.until = now;
    return before;
  }
  if (last) last.until = now;
  return [...before, { state: pod.word, since: last ? now : pod.since ?? now, until: now }];
}

/** Of what was served: the value below which a share of them lies (nearest rank). */
export function percentile(sorted, share) {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
