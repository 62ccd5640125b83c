// Elements, made and changed. Whatever is shown is set as text; what has not changed is left alone, so that nothing
// flickers and readers of the page are not told twice.

export const find = (selector, within = document) => within.querySelector(selector);

export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") element.className = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

export function text(element, value) {
  const string = String(value);
  if (element.textContent !== string) element.textContent = string;
}

const END = 8; // letters of a name that are seen in any case: versions and precisions stand there

/** A long name: where there is no room for all of it, it loses its middle (see `.cut`). All of it is there to point at. */
export function cut(element, name) {
  if (element.title === name) return;
  const letters = [...name];
  const parts = [["start", letters.slice(0, -END)], ["end", letters.slice(-END)]];
  element.replaceChildren(...parts.map(([part, some]) => make("span", { class: part }, some.join(""))));
  element.title = name;
}

/** Make `parent` have one child for each item: `create()` makes one, `update(child, item)` brings it up to date. */
export function each(parent, items, create, update) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  items.forEach((item, index) => update(parent.children[index] ?? parent.appendChild(create(item)), item));
}

/** Fill a table's body. A cell is a text, or an element that is put in as it is. */
export function rows(section, items, cells) {
  section.classList.toggle("is-empty", items.length === 0);
  const numbers = [...section.querySelectorAll("th")].map((head) => head.className);
  each(find("tbody", section), items, () => make("tr"), (row, item) => {
    each(row, cells(item), () => make("td"), (cell, content) => {
      if (cell.className !== numbers[cell.cellIndex]) cell.className = numbers[cell.cellIndex];
      if (content instanceof Node) {
        if (cell.firstChild !== content) cell.replaceChildren(content);
      } else text(cell, content);
    });
  });
}
