// Figures as people say them, and the two sentences at the top.

export function seconds(value) {
  if (value == null) return "–";
  if (value < 0.0005) return "0 s";
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 10) return `${value.toFixed(1)} s`;
  if (value < 120) return `${Math.round(value)} s`;
  if (value < 7200) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  return `${(value / 3600).toFixed(1)} h`;
}

/** The same in steps of a second, for what grows while one looks. */
export const age = (value) => (value < 1 ? "0 s" : value < 10 ? `${Math.floor(value)} s` : seconds(value));

export function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) [count, unit] = [count / 1024, unit + 1];
  return `${unit && count < 10 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

export const pods = (count) => (count === 1 ? "1 pod" : `${count} pods`);
const average = (value) => (value == null ? "no figures yet" : `on average ${value.toFixed(1)} requests`);

const ENDINGS = {
  served: "pod answered an error", no_route: "refused", refused: "refused", waited: "waited too long", client_slow_uploading: "body came too slowly",
  client_stalled: "client stopped reading", backend_broke_before_answer: "pod broke before its answer",
  backend_bad_answer: "pod's answer is not HTTP", backend_slow_answer: "pod took too long",
  backend_broke_in_answer: "pod broke in mid-answer", backend_stalled_in_answer: "pod stalled in mid-answer",
  stopped_before_answer: "gateway stopped before the answer", stopped_in_answer: "gateway stopped in mid-answer",
  internal_error: "error in the gateway", internal_error_in_answer: "error in the gateway",
};
const plain = (word) => word.replaceAll("_", " ");

export function failure({ ending, detail }) {
  const what = ENDINGS[ending] ?? plain(ending);
  return detail ? `${what}: ${plain(detail)}` : what;
}

export const RESULTS = { served: "served", error: "pod answered an error", cut: "cut in mid-answer", refused: "failed", client_gone: "client left" };

export function podState(pod, now) {
  const left = pod.until == null ? "" : `, ${seconds(Math.max(0, pod.until - now))} left at most`;
  if (pod.word === "quarantined") return `quarantined (${plain(pod.why)})${left}`;
  if (pod.state === "draining") return `${pod.held ? "drained by an operator" : "draining"}${pod.in_flight ? `, ${pod.in_flight} at work` : ""}`;
  if (pod.state === "suspect") return `refused, asked again in ${seconds(Math.max(0, pod.until - now))}`;
  if (pod.state !== "ready") return pod.state;
  if (pod.in_flight === 0) return "free";
  const longest = age(now - Math.min(...pod.turns.map((turn) => turn.granted)));
  return pod.limit === 1 ? `working, ${longest}` : `${pod.in_flight}${pod.limit ? ` of ${pod.limit}` : ""} at work, longest ${longest}`;
}

const mayHaveOne = (pod) => pod.state !== "starting" && pod.state !== "gone";

/** What is loaded; of a pod that cannot have anything loaded, nothing. */
export const modelState = (pod) => (mayHaveOne(pod) ? (pod.model ?? "model not known") : "");

/** What a pool's pods have loaded, and how often that has changed. */
export function modelsLoaded({ pods, models }) {
  const here = [...pods.values()].filter(mayHaveOne);
  const loaded = new Set(here.map((pod) => pod.model).filter((model) => model !== null)).size;
  const { switches } = models;
  const parts = [loaded === 0 ? "no model known" : loaded === 1 ? "1 model loaded" : `${loaded} models loaded`];
  if (switches) parts.push(`switched ${switches === 1 ? "once" : `${switches} times`}`);
  return parts.slice(here.length ? 0 : 1).join(", ");
}

/** For which pod somebody waits. */
export const awaited = ({ home, model }) => home ?? (model ? `any pod, needs ${model}` : "any pod");

export function lineState(pool, now) {
  const waiting = pool.waiting + pool.waiting_exempt;
  if (waiting === 0) return "nobody waits";
  return `${waiting} ${waiting === 1 ? "waits" : "wait"}${pool.oldest == null ? "" : `, longest ${age(now - pool.oldest)}`}`;
}

/** Who waits, where, and why. */
export function headline(pool, now) {
  const here = [...pool.pods.values()];
  const starting = here.filter((pod) => pod.state === "starting").length;
  const waiting = pool.waiting + pool.waiting_exempt;
  const blocked = pool.quarantined ? `, ${pool.quarantined} ${pool.quarantined === 1 ? "slot is" : "slots are"} quarantined` : "";
  if (waiting === 0) {
    if (pool.in_flight) return `Nobody waits. ${pool.in_flight} ${pool.in_flight === 1 ? "request is" : "requests are"} at work${blocked}.`;
    if (pool.ready) return `Nobody waits, nobody works. ${pods(pool.ready)} ready${blocked}.`;
    return starting ? `Nobody waits. ${pods(starting)} starting.` : "Quiet: nobody waits, and no pod runs.";
  }
  const first = pool.oldest == null ? "" : `, the first for ${age(now - pool.oldest)}`;
  return `${waiting} ${waiting === 1 ? "waits" : "wait"}${first}: ${why(pool, here, starting, now)}`;
}

function why(pool, here, starting, now) {
  if (pool.cold) {
    if (pool.start_failures && !starting) {
      const next = pool.next_start > now ? `; the next attempt is in ${seconds(pool.next_start - now)}` : "";
      return `starts fail (${pool.start_failures} in a row, last: ${pool.evidence || "unknown"})${next}.`;
    }
    const takes = pool.cold_start_median == null ? "" : `, which took ${seconds(pool.cold_start_median)} of late`;
    return starting ? `no pod is ready yet, ${starting} ${starting === 1 ? "is" : "are"} starting${takes}.` : "no pod is ready.";
  }
  const expect = pool.expected_wait == null ? "" : ` A newcomer may expect ${seconds(pool.expected_wait)}.`;
  const bound = pool.line.filter((place) => place.home != null).length;
  const free = here.filter((pod) => pod.word === "ready" && pod.in_flight < pod.limit).length;
  if (free && bound && bound === pool.line.length) return `each for the pod that knows them.${expect}`;
  if (free && pool.line.some((place) => place.home == null && place.model != null)) {
    const know = bound ? "know them or " : "";
    return `for pods that ${know}have their models, though ${pods(free)} ${free === 1 ? "is" : "are"} free.${expect}`;
  }
  const blocked = pool.quarantined ? ` or quarantined (${pool.quarantined})` : "";
  return `${pool.ready === 1 ? "the one ready pod is" : `all ${pool.ready} ready pods are`} at work${blocked}.${expect}`;
}

/** For a tab that is not looked at. */
export function titled(pool) {
  const waiting = pool.waiting + pool.waiting_exempt;
  if (waiting) return `${waiting} waiting – Gateway`;
  return pool.in_flight ? `${pool.in_flight} at work – Gateway` : "Gateway";
}

/** What the autoscaler will do. */
export function scaling(pool) {
  const scaler = pool.scaler;
  if (!scaler) return "These pods are not scaled from here.";
  const here = [...pool.pods.values()];
  const held = here.filter((pod) => pod.held).length;
  const exist = here.filter((pod) => pod.held || (pod.state !== "draining" && pod.state !== "gone")).length;
  const { desired, stable, panic } = scaler;
  const limit = scaler.bound ? ` ${scaler.bound} decides.` : "";
  const drained = held ? ` ${held === 1 ? "One is" : `${held} are`} drained by an operator and count${held === 1 ? "s" : ""}.` : "";
  const seen = scaler.in_panic ? `${panic.toFixed(1)} requests over the short window` : average(stable);
  const panics = scaler.in_panic ? " Panic mode after a burst: nothing is taken away yet." : "";
  let then = `and ${desired === 1 ? "it is" : "they are"} here`;
  if (desired === 0 && exist === 0) then = "and has none";
  else if (desired > exist) then = `and will start ${desired - exist} more`;
  else if (desired < exist) then = `and will stop ${exist - desired} as soon as ${exist - desired === 1 ? "one is" : "they are"} free`;
  else if (pool.ready < desired) then = `of which ${pool.ready} ${pool.ready === 1 ? "is" : "are"} ready`;
  return `The autoscaler wants ${pods(desired)} ${then} (${seen}).${panics}${limit}${drained}`;
}
