/** Getting the file: a worker downloads as soon as the payment is seen, and opens when the share comes. */

/** @typedef {import("../client/buy-worker.js").FromOpenWorker} News */
/** @typedef {{claim: string, fileId: string, linkShare: string, offer: import("./buyer-api.js").FileAnswer, type: string}} Purchase */
/** @typedef {(event: import("./checkout-state.js").Event) => void} Dispatch */

export class Receiver {
  #worker;
  #purchase;
  #dispatch;
  #now;

  /**
   * @param {Purchase} purchase
   * @param {Dispatch} dispatch
   * @param {() => number} now Unix seconds
   */
  constructor(purchase, dispatch, now) {
    this.#purchase = purchase;
    this.#dispatch = dispatch;
    this.#now = now;
    this.#worker = new Worker(new URL("../client/buy-worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#hear(data);
    this.#worker.onerror = () => this.#dispatch({ type: "trouble", trouble: { code: "unsupported_browser" } });
    const { claim, fileId, linkShare, offer } = purchase;
    this.#worker.postMessage({ type: "start", gateway: location.origin, claim, fileId, linkShare, offer });
  }

  /** @param {string} share b64u */
  open(share) {
    this.#worker.postMessage({ type: "share", share });
  }

  stop() {
    this.#worker.terminate();
  }

  /** @param {News} news */
  #hear(news) {
    if (news.type === "progress") this.#progress(news.phase, news.bytes, news.totalBytes);
    else if (news.type === "retrying") this.#dispatch({ type: "offline" });
    else if (news.type === "error") this.#dispatch({ type: "trouble", trouble: news.error });
    else if (news.type === "done") this.#done(news.file, news.name);
  }

  /**
   * @param {"downloading" | "opening"} phase
   * @param {number} bytes
   * @param {number} total
   */
  #progress(phase, bytes, total) {
    this.#dispatch({ type: "online" });
    if (phase === "opening") return this.#dispatch({ type: "opening", at: this.#now() });
    this.#dispatch({ type: "downloading", bytes, total });
    if (bytes === total) this.#dispatch({ type: "downloaded", at: this.#now() });
  }

  /**
   * @param {File} blob
   * @param {string} name made safe
   */
  #done(blob, name) {
    const file = { name, type: this.#purchase.type, size: blob.size, blob };
    this.#dispatch({ type: "opened", at: this.#now(), file });
  }
}

/**
 * Hands a file to the browser's downloads.
 * @param {Blob} blob
 * @param {string} name
 */
export function saveFile(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The download has begun long before; large files may still be read from the address.
  setTimeout(() => URL.revokeObjectURL(link.href), 600_000);
}
