// What is known: the last figures, and of the last two minutes what has ended and was measured. Bounded, like its source.

export const WINDOW = 120; // seconds that are shown
const MARGIN = 10; // seconds that are kept beyond the left edge
const BARS = 3000;
const FAILURES = 50;
const byNumber = new Intl.Collator("en", { numeric: true }).compare;
const ERA = 3600; // seconds after which positions count anew

export class Model {
  constructor() {
    this.pools = new Map();
    this.failures = [];
    this.status = [true, ""];
    this.stale = {}; // by pool: why no news of its pods comes
    this.hears = null; // whether Knative's autoscaler hears the gateway; null: there is none
    this.admin = false;
    this.at = NaN; // seconds on the gateway's clock
    this.epoch = NaN; // positions on the time axis count from here: small numbers, exact pixels
  }

  /** Everything that the gateway has kept. If it follows on what was known, the states seen meanwhile are kept, too. */
  whole(frame) {
    const goesOn = frame.now >= this.at && frame.now - this.at < WINDOW;
    if (!goesOn) this.pools.clear();
    for (const pool of this.pools.values()) pool.beginAnew(frame.number);
    this.columns = frame.columns;
    this.admin = frame.admin;
    this.failures = [];
    this.news(frame);
  }

  news(frame) {
    if (!(frame.now - this.epoch < ERA && frame.now >= this.epoch)) this.epoch = frame.now;
    this.at = frame.now;
    this.status = frame.status;
    this.stale = frame.stale;
    this.hears = frame.hears;
    const names = new Set();
    for (const row of frame.pools) {
      const summary = this.#object("pagesummary", row);
      names.add(summary.name);
      if (!this.pools.has(summary.name)) this.pools.set(summary.name, new PoolModel());
      this.pools.get(summary.name).update(summary, frame, (kind, each) => this.#object(kind, each));
    }
    for (const name of this.pools.keys()) if (!names.has(name)) this.pools.delete(name);
    this.failures = [...frame.failed.map((row) => this.#object("failed", row)).reverse(), ...this.failures].slice(0, FAILURES);
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
    this.knowsModels = false; // what any of its pods has, or had, loaded: until then there is nothing to tell of each
  }

  /** From frame `number` on, which another gateway may have made: who is not in the next ones is gone. */
  beginAnew(number) {
    this.ended = [];
    this.points = [];
    for (const pod of this.pods.values()) pod.seen = number;
  }

  update(summary, frame, object) {
    const oldest = frame.now - WINDOW - MARGIN;
    Object.assign(this, summary, { pods: this.pods });
    this.sessions = summary.sessions.map(([hash, home, seen]) => ({ hash, home, seen }));
    this.models = summary.models && object("modelsummary", summary.models); // null: they do not matter in this pool
    this.line = summary.line.map((row, index) => ({ ...object("place", row), model: this.#named(this.models?.line[index]) }));
    this.scaler = frame.scalers[summary.name] ?? null;
    this.ended.push(...(frame.ended[summary.name] ?? []).map((row) => object("ended", row)));
    this.ended = this.ended.filter((bar) => bar.over > oldest).slice(-BARS);
    this.points.push(...(frame.points[summary.name] ?? []).map((row) => object("point", row)));
    this.points = this.points.filter((point) => point.at > oldest);
    this.#updatePods(summary, frame, oldest, object);
    this.knowsModels = this.models !== null && (this.knowsModels || [...this.pods.values()].some((pod) => pod.model !== null));
  }

  /** How it stands, as a point that the curves end with. */
  point(now) {
    const { in_flight, ready } = this;
    const starting = [...this.pods.values()].filter((pod) => pod.state === "starting").length;
    const { desired = null, stable = null } = this.scaler ?? {};
    return { at: now, ready, starting, in_flight, waiting: this.waiting + this.waiting_exempt, desired, stable };
  }

  /** Some pods of many come in turns: one is gone when its turn has passed without it. */
  #updatePods(summary, frame, oldest, object) {
    for (const [index, row] of summary.pods.entries()) {
      const pod = object("pod", row);
      pod.model = this.#named(this.models?.pods[index]);
      pod.turns = pod.turns.map((turn) => object("turn", turn));
      pod.seen = frame.number;
      pod.word = pod.quarantined > 0 && (pod.state === "ready" || pod.state === "suspect") ? "quarantined" : pod.state;
      pod.bands = bands(this.pods.get(pod.id)?.bands ?? [], pod, frame.now).filter((band) => band.until > oldest);
      this.pods.set(pod.id, pod);
    }
    const turns = summary.pods.length ? Math.ceil(summary.backends / summary.pods.length) : 1;
    const missed = turns > 1 ? 2 * turns : 0;
    for (const pod of this.pods.values()) if (pod.state !== "gone" && frame.number - pod.seen > missed) this.#markGone(pod, frame.now);
    this.#dropOld(frame.now);
  }

  #named(place) {
    return place == null ? null : this.models.names[place];
  }

  /** A pod that is gone keeps its lane while what it did is in sight, unless another has taken its name. */
  #markGone(pod, now) {
    const nothing = { turns: [], in_flight: 0, waiting: 0, quarantined: 0, held: false, until: null, model: null };
    Object.assign(pod, nothing, { state: "gone", word: "gone", left: now });
    pod.bands = bands(pod.bands, pod, now);
  }

  #dropOld(now) {
    const here = new Set([...this.pods.values()].filter((pod) => pod.state !== "gone").map((pod) => pod.name));
    for (const [id, pod] of this.pods) if (pod.state === "gone" && (now - pod.left > WINDOW || here.has(pod.name))) this.pods.delete(id);
    const known = new Set([...this.pods.values()].map((pod) => pod.name));
    const inSight = new Set(this.ended.filter((bar) => bar.pod !== null && now - bar.over < WINDOW).map((bar) => bar.pod));
    for (const name of [...inSight].filter((name) => !known.has(name)).sort(byNumber)) {
      const pod = { id: `gone ${name}`, name, limit: 0, sessions: 0, served: 0, why: "", bands: [] };
      this.#markGone(pod, now);
      this.pods.set(pod.id, pod);
    }
  }
}

/** When the pod was in which state, as far as it was known. */
function bands(before, pod, now) {
  const last = before.at(-1);
  if (last?.state === pod.word) {
    last.until = now;
    return before;
  }
  const since = began(pod, last, now);
  if (last) last.until = since;
  return [...before, { state: pod.word, since, until: now }];
}

/** Of some states the gateway tells when they began; of the others it is when they were first seen. */
function began(pod, last, now) {
  const begun = { quarantined: pod.since, ready: pod.ready_at }[pod.word] ?? now;
  return begun > (last?.since ?? -Infinity) ? begun : now;
}

/** Of what was served: the value below which a share of them lies (nearest rank). */
export function percentile(sorted, share) {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}
