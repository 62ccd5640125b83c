// Outages in words: starts that die, and pods that take nobody, whether or not anybody waits.

import { age, seconds } from "./words.js";

const NAMED = 5; // pods that are listed

/** No pod is ready, and not because none is wanted. */
export const isOutage = (pool, now) => pool.cold && (pool.start_failures > 0 || unreadyPods(pool, now).length > 0);

/** The headline tells of starts that die: else `outages` does. */
export const isHeadline = (pool) => pool.start_failures > 0 && pool.cold && (pool.waiting + pool.waiting_exempt > 0 || !pool.in_flight);

/** What is wrong with a pool besides what the headline says, a line each. */
export function outages(pool, now) {
  const bad = unreadyPods(pool, now);
  const lines = bad.slice(0, NAMED).map((pod) => `${pod.name}: ${unready(pod, now)}`);
  if (pool.start_failures && !isHeadline(pool)) lines.unshift(capital(startFailures(pool, now)));
  if (bad.length > NAMED) lines.push(`and ${bad.length - NAMED} more pods`);
  return lines;
}

/** How often starts have died in a row, how the last one did, and when the next one is made. */
export function startFailures(pool, now) {
  const starts = pool.start_failures === 1 ? "the last start" : `the last ${pool.start_failures} starts`;
  return `${starts} failed (${pool.evidence || "no reason is known"})${nextStart(pool, now)}`;
}

function nextStart(pool, now) {
  if ([...pool.pods.values()].some((pod) => pod.state === "starting")) return "; another pod is starting";
  const isWanted = pool.waiting + pool.waiting_exempt > 0 || pool.scaler?.desired > 0;
  const left = Math.max(0, pool.next_start - now);
  if (isWanted) return left ? `; the next attempt is in ${seconds(left)}` : "; the next attempt is due";
  return `; the next attempt is made when a request comes${left ? `, in ${seconds(left)} at the soonest` : ""}`;
}

const unreadyPods = (pool, now) => [...pool.pods.values()].filter((pod) => unready(pod, now));

/** Why a pod that exists takes nobody, where that is no part of an ordinary life; else "". */
export function unready(pod, now) {
  if (pod.state === "suspect") return `suspect: it refused a connection, and is asked again in ${seconds(Math.max(0, pod.until - now))}`;
  if (pod.state === "ejected") return `ejected: ${pod.fails_because}; it gets a request on trial in ${seconds(Math.max(0, pod.until - now))}`;
  if (pod.fails_because && pod.state === "ready") return `its answers fail: ${pod.fails_because}`;
  if (pod.state === "starting" && pod.unready_because) return `not ready for ${age(now - pod.unready_since)}: ${pod.unready_because}`;
  if (pod.state === "starting" && pod.ready_at != null) return "not ready any more";
  return "";
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
