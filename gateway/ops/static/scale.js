// Demand and pods on the time axis of the lanes.

import { each, make, text } from "./dom.js";
import { WINDOW } from "./model.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 100;
const CURVES = ["ready", "coming", "stable", "demand", "desired"];

export class Scale {
  constructor(plot, top) {
    this.plot = document.createElementNS(SVG, "svg");
    this.plot.setAttribute("viewBox", `0 0 ${WINDOW} ${HEIGHT}`);
    this.plot.setAttribute("preserveAspectRatio", "none");
    this.plot.setAttribute("role", "img");
    this.paths = Object.fromEntries(CURVES.map((name) => {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("class", name);
      return [name, this.plot.appendChild(path)];
    }));
    plot.append(this.plot);
    this.top = top;
  }

  show(points, now) {
    const values = points.map((point) => ({
      x: point.at - now + WINDOW,
      ready: point.ready,
      coming: point.ready + point.starting,
      demand: point.in_flight + point.waiting,
      stable: point.stable,
      desired: point.desired,
    }));
    const most = ceiling(Math.max(1, ...values.flatMap((value) => CURVES.map((name) => value[name] ?? 0))));
    const y = (value) => HEIGHT - (value / most) * (HEIGHT - 4);
    each(this.top, [most, most / 2, 0], () => make("span"), (mark, value) => text(mark, value));
    for (const name of ["demand", "stable", "desired"]) this.#draw(name, steps(values, name, y));
    this.#draw("ready", area(steps(values, "ready", y), values));
    this.#draw("coming", area(steps(values, "coming", y), values) + area(steps(values, "ready", y), values));
    this.plot.setAttribute("aria-label", label(points.at(-1)));
  }

  #draw(name, path) {
    this.paths[name].setAttribute("d", path);
    if (name === "coming") this.paths[name].setAttribute("fill-rule", "evenodd");
  }
}

/** The next of 2, 4, 10, 20, 40 …: half of it is whole, too. */
function ceiling(value) {
  for (let unit = 1; ; unit *= 10) for (const step of [2, 4, 10]) if (value <= step * unit) return step * unit;
}

function steps(values, name, y) {
  let path = "", before;
  for (const value of values) {
    if (value[name] == null) { before = undefined; continue; }
    const [x, height] = [value.x.toFixed(2), y(value[name]).toFixed(2)];
    path += before === undefined ? `M${x} ${height}` : `H${x}V${height}`;
    before = height;
  }
  return before === undefined ? path : `${path}H${WINDOW}`;
}

function area(path, values) {
  return path ? `${path}V${HEIGHT}H${values[0].x.toFixed(2)}Z` : "";
}

function label(point) {
  if (!point) return "Nothing was measured yet.";
  const desired = point.desired == null ? "" : `${point.desired} desired, `;
  return `Now ${point.in_flight + point.waiting} requests; pods: ${desired}${point.ready} ready, ${point.starting} starting. The table below has the course.`;
}
