// Figures and states in words.

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
export const average = (value) => (value == null ? "no figures yet" : `on average ${value.toFixed(1)} requests`);

const ENDINGS = {
  served: "pod answered an error", no_route: "refused", refused: "refused", waited: "waited too long", client_slow_uploading: "body came too slowly",
  client_stalled: "client stopped reading", backend_broke_before_answer: "pod broke before its answer",
  backend_bad_answer: "pod's answer is not HTTP", backend_slow_answer: "pod took too long",
  backend_broke_in_answer: "pod broke in mid-answer", backend_stalled_in_answer: "pod stalled in mid-answer",
  stopped_before_answer: "gateway stopped before the answer", stopped_in_answer: "gateway stopped in mid-answer",
  internal_error: "error in the gateway", internal_error_in_answer: "error in the gateway",
};
export const plain = (word) => word.replaceAll("_", " ");

export function failure({ ending, detail }) {
  const what = ENDINGS[ending] ?? plain(ending);
  return detail ? `${what}: ${plain(detail)}` : what;
}

export const RESULTS = { served: "served", error: "pod answered an error", cut: "cut in mid-answer", refused: "failed", client_gone: "client left" };

export function podState(pod, now) {
  const left = pod.until == null ? "" : `, ${seconds(Math.max(0, pod.until - now))} left at most`;
  if (pod.state === "starting" && pod.unready_because) return `not ready: ${pod.unready_because}`;
  if (pod.state === "starting") return pod.ready_at == null ? "starting" : "not ready any more";
  if (pod.word === "quarantined") return `quarantined (${plain(pod.why)})${left}`;
  if (pod.state === "draining") return `${pod.held ? "drained by an operator" : "draining"}${pod.in_flight ? `, ${pod.in_flight} at work` : ""}`;
  if (pod.state === "suspect") return `refused, asked again in ${seconds(Math.max(0, pod.until - now))}`;
  if (pod.state === "ejected") return `ejected, tried again in ${seconds(Math.max(0, pod.until - now))}`;
  if (pod.state !== "ready") return pod.state;
  if (pod.in_flight === 0) return pod.fails_because ? "free, its answers fail" : "free";
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
