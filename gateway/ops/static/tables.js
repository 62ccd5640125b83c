// The tables: the line, what went wrong, times, sessions, and the pictures in words.

import { cut, find, make, rows, text } from "./dom.js";
import { percentile } from "./model.js";
import { age, awaited, failure, modelState, podState, seconds } from "./words.js";

export function showLine(section, pool, now, orders) {
  const beyond = pool.waiting - pool.line.length;
  text(find("small", section), pool.waiting ? `${pool.waiting} of at most ${pool.line_limit}${beyond > 0 ? `, the first ${pool.line.length}` : ""}` : "");
  rows(section, pool.line.map((place, index) => ({ ...place, index })), ({ index, request, arrived, session, ...place }) => [
    index + 1,
    withOrders(section, index, request, orders),
    age(now - arrived),
    session ?? "–",
    withTries(section, index, place),
  ]);
}

/** What stands in a cell as an element, to be brought up to date, or else a new one. */
function kept(section, row, column, create) {
  return find("tbody", section).rows[row]?.cells[column]?.firstElementChild ?? create();
}

/** For which pod it waits, and how many it had in vain. */
function withTries(section, index, place) {
  const label = `${awaited(place)}${place.turns ? `, ${place.turns} tried` : ""}`;
  return place.model === null ? label : named(section, index, 4, label);
}

/** What may be long. */
function named(section, row, column, name) {
  const cell = kept(section, row, column, () => make("span", { class: "cut" }));
  cut(cell, name);
  return cell;
}

/** The request's id with its buttons. */
function withOrders(section, index, request, orders) {
  const cell = kept(section, index, 1, () => make("span", {}, make("span", { class: "mono" }), " ", make("span")));
  text(cell.firstElementChild, request);
  orders.ofRequest(request, cell.lastElementChild);
  return cell;
}

export function showFailures(section, failures, pool, now) {
  const here = failures.filter((failed) => failed.pool === null || failed.pool === pool.name);
  rows(section, here.map((failed, index) => ({ ...failed, index })), (failed) => [
    age(now - failed.at),
    failed.status ?? "–",
    failureCell(section, failed),
  ]);
}

/** What happened, and below it to which request. */
function failureCell(section, failed) {
  const cell = kept(section, failed.index, 2, () => make("div", {}, make("span"), make("small")));
  text(cell.firstElementChild, `${failure(failed)}${failed.pod ? ` (${failed.pod})` : ""}`);
  text(cell.lastElementChild, `${failed.method} ${failed.path} · ${failed.request}`);
  return cell;
}

/** Half, 90 and 99 percent, and all, of the waiting and the work of what was served in the last two minutes. */
export function timesOf(pool) {
  const served = pool.ended.filter((bar) => bar.result === "served");
  if (!served.length) return {};
  const spread = (figure) => {
    const sorted = served.map(figure).sort((one, other) => one - other);
    return [0.5, 0.9, 0.99, 1].map((share) => percentile(sorted, share));
  };
  return { count: served.length, wait: spread((bar) => bar.granted - bar.arrived), service: spread((bar) => bar.over - bar.granted) };
}

export function showTimes(section, times) {
  text(find("small", section), times.count ? `of the last ${times.count} served, two minutes at most` : "");
  const items = times.count ? [["Waiting", times.wait], ["Work", times.service]] : [];
  rows(section, items, ([name, spread]) => [name, ...spread.map(seconds)]);
}

export function showSessions(section, pool, now) {
  const beyond = pool.sessions_live - pool.sessions.length;
  text(find("small", section), pool.sessions_live ? `${pool.sessions_live} live${beyond > 0 ? `, the last ${pool.sessions.length}` : ""}` : "");
  rows(section, pool.sessions, ({ hash, home, seen }) => [make("span", { class: "mono" }, hash), home ?? "none", age(now - seen)]);
}

export function showPods(details, pool, now) {
  if (!details.open) return;
  const column = find("th.model", details);
  if (column && !pool.models) column.remove();
  if (!column && pool.models) find("th:nth-child(2)", details).after(make("th", { class: "model", scope: "col" }, "Model"));
  rows(details, [...pool.pods.values()].map((pod, index) => ({ ...pod, index })), (pod) => [
    pod.name,
    podState(pod, now),
    ...(pool.models ? [named(details, pod.index, 2, modelState(pod))] : []),
    pod.turns.map((turn) => turn.request).join(", ") || "–",
    pod.turns.length ? age(now - pod.turns[0].granted) : "–",
    pod.waiting,
    pod.sessions,
    pod.served,
  ]);
}

export function showPoints(details, pool, now) {
  if (!details.open) return;
  rows(details, pool.points.toReversed(), (point) => [
    `${Math.round(now - point.at)} s ago`,
    point.in_flight,
    point.waiting,
    point.stable?.toFixed(1) ?? "–",
    point.desired ?? "–",
    point.ready,
    point.starting,
  ]);
}
