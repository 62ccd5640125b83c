// The sentences at the top of the page: who waits and why, and what the autoscaler will do.

import { isHeadline, isOutage, startFailures } from "./outages.js";
import { age, average, pods, seconds } from "./words.js";

/** Who waits, where, and why. */
export function headline(pool, now) {
  const here = [...pool.pods.values()];
  const starting = here.filter((pod) => pod.state === "starting").length;
  const waiting = pool.waiting + pool.waiting_exempt;
  const blocked = pool.quarantined ? `, ${pool.quarantined} ${pool.quarantined === 1 ? "slot is" : "slots are"} quarantined` : "";
  if (waiting === 0) {
    if (pool.in_flight) return `Nobody waits. ${pool.in_flight} ${pool.in_flight === 1 ? "request is" : "requests are"} at work${blocked}.`;
    if (pool.ready) return `Nobody waits, nobody works. ${pods(pool.ready)} ready${blocked}.`;
    if (isHeadline(pool)) return `No pod is ready: ${startFailures(pool, now)}.`;
    if (isOutage(pool, now)) return "No pod is ready.";
    return starting ? `Nobody waits. ${pods(starting)} starting.` : "Quiet: nobody waits, and no pod runs.";
  }
  const first = pool.oldest == null ? "" : `, the first for ${age(now - pool.oldest)}`;
  return `${waiting} ${waiting === 1 ? "waits" : "wait"}${first}: ${why(pool, here, starting, now)}`;
}

function why(pool, here, starting, now) {
  if (pool.cold) {
    if (isHeadline(pool)) return `no pod is ready: ${startFailures(pool, now)}.`;
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
