// Why one request is where it is. Asked for when somebody points at it: the receipts of all would be too much to send.

const RESTING = 120; // ms that the pointer rests on a bar before it is meant

export class Why {
  #timer;
  #asking = new AbortController();

  /** `tell` is given the receipt's parts, unless something else was asked, or nothing any more, before they came. */
  ask(request, tell) {
    this.forget();
    const { signal } = this.#asking;
    this.#timer = setTimeout(async () => {
      const parts = await receipt(request, signal).catch(() => null);
      if (parts && !signal.aborted) tell(parts);
    }, RESTING);
  }

  forget() {
    clearTimeout(this.#timer);
    this.#asking.abort();
    this.#asking = new AbortController();
  }
}

async function receipt(request, signal) {
  const answer = await fetch(`api/requests/${encodeURIComponent(request)}`, { signal, cache: "no-store" });
  if (!answer.ok) return null;
  const { why, place } = await answer.json();
  return [...why.split("; "), ...(place ? [`now number ${place} in line`] : [])];
}
