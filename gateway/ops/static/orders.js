// Orders to the gateway. The token lives in this module's memory while the page is open, and goes nowhere but into the
// header of an order.

import { each, find, make, text } from "./dom.js";

export class Orders {
  #token = null;
  #changed;

  /** `changed` is called when orders can be given, or no more. */
  constructor(button, dialog, changed) {
    this.button = button;
    this.dialog = dialog;
    this.#changed = changed;
    button.addEventListener("click", () => (this.#token ? this.#forget() : dialog.showModal()));
    find("[value=cancel]", dialog).addEventListener("click", () => dialog.close());
    find("form", dialog).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#enter(find("input", dialog));
    });
  }

  get areOn() {
    return this.#token !== null;
  }

  offer(isOn) {
    this.button.hidden = !isOn;
    if (!isOn && this.#token) this.#forget();
  }

  /** What can be ordered of a pod, as buttons in `parent`. */
  ofPod(pod, parent) {
    const at = `api/backends/${encodeURIComponent(pod.id)}`;
    const items = !this.areOn || pod.state === "gone" ? [] : [
      pod.held ? ["Undrain", "POST", `${at}/undrain`] : ["Drain", "POST", `${at}/drain`],
      ...(pod.quarantined || pod.state === "ejected" ? [["Release", "POST", `${at}/release`]] : []),
    ];
    this.#buttons(parent, items, pod.name);
  }

  /** What can be ordered of a request in line. */
  ofRequest(request, parent) {
    this.#buttons(parent, this.areOn ? [["Expel", "DELETE", `api/tickets/${encodeURIComponent(request)}`]] : [], request);
  }

  #buttons(parent, items, name) {
    each(parent, items, () => this.#button(), (button, [word, method, path]) => {
      text(button, word);
      button.setAttribute("aria-label", `${word} ${name}`);
      button.order = [method, path];
    });
  }

  #button() {
    const button = make("button", { type: "button", class: "small" });
    button.addEventListener("click", () => this.#give(...button.order));
    return button;
  }

  async #give(method, path) {
    const answer = await this.#ask(method, path, this.#token).catch(() => null);
    if (answer?.status === 401) this.#forget();
  }

  async #enter(input) {
    const problem = find(".problem", this.dialog);
    const answer = await this.#ask("GET", "api/admin", input.value).catch(() => null);
    text(problem, answer === null ? "No answer." : answer.ok ? "" : "This token is not accepted.");
    if (!answer?.ok) return;
    this.#token = input.value;
    input.value = "";
    this.dialog.close();
    this.#tell();
  }

  #forget() {
    this.#token = null;
    this.#tell();
  }

  #tell() {
    text(this.button, this.#token ? "No more orders" : "Give orders");
    this.#changed();
  }

  #ask(method, path, token) {
    return fetch(path, { method, headers: { Authorization: `Bearer ${token}` }, cache: "no-store" });
  }
}
