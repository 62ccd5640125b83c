// The part about Knative: revisions and their traffic, settings and their sources, and the link to the autoscaler. It
// changes seldom, so it is read every few seconds, and only where there is Knative.

import { each, find, make, rows, text } from "./dom.js";
import { age } from "./words.js";

const EVERY = 3000; // ms
const SOURCES = { file: "configuration", service: "Service", default: "default" };

export class Knative {
  #pools = null;
  #askedAt = -Infinity;

  constructor(section) {
    this.section = section;
  }

  /** `hears`: whether the autoscaler does; null: there is no Knative. */
  show(pool, hears) {
    if (hears !== null && performance.now() - this.#askedAt >= EVERY) this.#ask();
    const of = hears === null ? null : this.#of(pool.name);
    this.section.hidden = of === null;
    if (of === null) return;
    const { service, link, warnings, revisions } = of;
    text(find("h2 small", this.section), `Service ${service}`);
    this.section.classList.toggle("warn", !hears);
    text(find(".link", this.section), linkState(hears, link));
    each(find(".warnings", this.section), warnings, () => make("li"), text);
    this.#revisions(revisions);
    this.#settings(revisions);
  }

  #revisions(revisions) {
    rows(find(".revisions", this.section), revisions, ({ name, share, tags, accounting, reported }) => [
      name, `${share} %`, tags.join(", ") || "–", accounting, reported?.toFixed(1) ?? "–",
    ]);
  }

  #settings(revisions) {
    const details = find("details", this.section);
    if (!details.open) return;
    const items = revisions.flatMap(({ name, values }) => Object.entries(values).map(([key, setting]) => [name, key, setting]));
    rows(details, items, ([name, key, { value, from }]) => [
      ...(revisions.length > 1 ? [`${name}: ${key}`] : [key]), value ?? "none", SOURCES[from] ?? from,
    ]);
  }

  /** Of a pool of the file all its revisions; of a revision's pool that one. */
  #of(name) {
    const pools = this.#pools ?? {};
    const home = Object.keys(pools).find((pool) => pools[pool].service && (pool === name || name.startsWith(`${pool}/`)));
    if (home === undefined) return null;
    const { traffic } = pools[home];
    const revisions = Object.entries(pools)
      .filter(([pool]) => pool.startsWith(`${home}/`) && (name === home || pool === name))
      .map(([pool, revisionPool]) => {
        const revision = pool.slice(home.length + 1);
        return { ...revisionPool, name: revision, tags: traffic.filter((each) => each.revision === revision && each.tag).map((each) => each.tag) };
      });
    return { ...pools[home], revisions };
  }

  async #ask() {
    this.#askedAt = performance.now();
    const answer = await fetch("api/knative", { cache: "no-store" }).catch(() => null);
    if (answer?.ok) this.#pools = (await answer.json()).pools;
  }
}

function linkState(hears, link) {
  const lost = link.losses ? ` The link was lost ${link.losses === 1 ? "once" : `${link.losses} times`} so far.` : "";
  if (hears) return `The autoscaler hears this gateway.${lost}`;
  const since = link.down_for == null ? "" : ` for ${age(link.down_for)}`;
  return `The autoscaler has not heard this gateway${since}: no pod starts for those who wait.${lost}`;
}
