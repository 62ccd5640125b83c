// Demand and pods on the time axis of the lanes: what is asked for above, what is there for it below.

import { each, find, make, text } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 100;
const HEADROOM = 6; // of these: lines at the top are not cut

/** Areas stand on one another, in this order; lines are drawn over them. */
const PANELS = {
  requests: { areas: ["in_flight", "waiting"], lines: ["stable"] },
  pods: { areas: ["ready", "starting"], lines: ["desired"] },
};

export class Scale {
  /** `section` has an element `[data-panel=NAME]` for each panel, with a `.plot`, its `.marks`, and figures `[data-now]`. */
  constructor(section) {
    this.panels = Object.entries(PANELS).map(([name, curves]) => new Panel(find(`[data-panel=${name}]`, section), curves));
  }

  show(points, now, span) {
    for (const panel of this.panels) panel.show(points, now, span);
  }
}

class Panel {
  constructor(element, { areas, lines }) {
    this.element = element;
    this.areas = areas;
    this.lines = lines;
    this.svg = document.createElementNS(SVG, "svg");
    this.svg.setAttribute("preserveAspectRatio", "none");
    this.svg.setAttribute("role", "img");
    this.paths = Object.fromEntries([...areas, ...lines].map((name) => {
      const path = document.createElementNS(SVG, "path");
      path.setAttribute("class", name);
      return [name, this.svg.appendChild(path)];
    }));
    find(".plot", element).append(this.svg);
  }

  show(points, now, span) {
    const values = points.map((point) => this.#stacked(point, point.at - now + span)).filter((value) => value.x > -2);
    const most = ceiling(Math.max(1, ...values.flatMap(({ top, point }) => [top, ...this.lines.map((name) => point[name] ?? 0)])));
    const y = (value) => (HEIGHT - (value / most) * (HEIGHT - HEADROOM)).toFixed(2);
    this.svg.setAttribute("viewBox", `0 0 ${span} ${HEIGHT}`);
    each(find(".marks", this.element), [most, most / 2, 0], () => make("span"), (mark, value) => text(mark, value));
    for (const name of this.areas) this.paths[name].setAttribute("d", area(values, name, y, span));
    for (const name of this.lines) this.paths[name].setAttribute("d", steps(values.map(({ x, point }) => [x, point[name]]), y, span));
    this.#tell(points.at(-1));
  }

  /** Where each area begins and ends at one point. */
  #stacked(point, x) {
    const spans = {};
    let top = 0;
    for (const name of this.areas) spans[name] = [top, (top += point[name])];
    return { x, point, spans, top };
  }

  #tell(point) {
    const words = [...this.areas, ...this.lines].map((name) => {
      const figure = find(`[data-now=${name}]`, this.element);
      const value = point?.[name];
      text(figure, value == null ? "–" : name === "stable" ? value.toFixed(1) : value);
      return `${figure.textContent} ${figure.previousElementSibling.textContent}`;
    });
    this.svg.setAttribute("aria-label", point ? `Now ${words.join(", ")}. The table below has the course.` : "Nothing was measured yet.");
  }
}

/** The next of 2, 4, 6, 8, 10, 20, 40 …: half of it is whole, too. */
function ceiling(value) {
  for (let unit = 1; ; unit *= 10) for (const step of [2, 4, 6, 8, 10]) if (value <= step * unit) return step * unit;
}

/** A line in steps. Where a value is not known there is none. */
function steps(values, y, span) {
  let path = "", before;
  for (const [x, value] of values) {
    if (value == null) {
      if (before != null) path += `H${x.toFixed(2)}`;
    } else path += before == null ? `M${x.toFixed(2)} ${y(value)}` : `H${x.toFixed(2)}V${y(value)}`;
    before = value;
  }
  return before == null ? path : `${path}H${span}`;
}

/** Between its own lower and upper steps: there along the one, back along the other. */
function area(values, name, y, span) {
  const until = (index) => (values[index + 1]?.x ?? span).toFixed(2);
  const there = values.map(({ spans }, index) => `V${y(spans[name][1])}H${until(index)}`);
  const back = values.map(({ x, spans }) => `V${y(spans[name][0])}H${x.toFixed(2)}`);
  return values.length ? `M${values[0].x.toFixed(2)} ${HEIGHT}${there.join("")}${back.reverse().join("")}Z` : "";
}
