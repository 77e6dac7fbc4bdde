/** Following a purchase: server-sent events, and asking every few seconds while they do not come. */

import { eventsUrl, getTransfer } from "./api.js";

/** @typedef {import("./state.js").Transfer} Transfer */
/** @typedef {{onTransfer: (transfer: Transfer) => void, onOffline: () => void}} Listener */

const FIRST_PAUSE = 2000;
const LONGEST_PAUSE = 15000;
/** While the stream is open too: a connection that died silently looks open for minutes. */
const CHECK_EVERY = 30000;

export class Watch {
  #transferId;
  #listener;
  /** @type {EventSource | null} */
  #stream = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #pause = FIRST_PAUSE;
  #news = 0;
  #stopped = false;

  /**
   * @param {string} transferId
   * @param {Listener} listener
   */
  constructor(transferId, listener) {
    this.#transferId = transferId;
    this.#listener = listener;
    this.#listen();
    this.#later(CHECK_EVERY);
    addEventListener("offline", listener.onOffline);
    addEventListener("online", this.now);
    addEventListener("pageshow", this.now);
  }

  stop() {
    this.#stopped = true;
    this.#stream?.close();
    clearTimeout(this.#timer);
    removeEventListener("offline", this.#listener.onOffline);
    removeEventListener("online", this.now);
    removeEventListener("pageshow", this.now);
  }

  /** Asks at once. What the stream says meanwhile may be newer than the answer, so then the answer is dropped. */
  now = async () => {
    clearTimeout(this.#timer);
    const before = this.#news;
    try {
      const transfer = await getTransfer(this.#transferId);
      if (this.#news === before) this.#heard(transfer);
    } catch {
      if (!this.#stopped) this.#missed();
    }
  };

  #listen() {
    this.#stream?.close();
    this.#stream = new EventSource(eventsUrl(this.#transferId));
    this.#stream.addEventListener("transfer", (event) => this.#heard(JSON.parse(event.data)));
    this.#stream.addEventListener("error", () => this.#later(this.#pause));
  }

  /** @param {Transfer} transfer */
  #heard(transfer) {
    if (this.#stopped) return;
    this.#news++;
    this.#pause = FIRST_PAUSE;
    this.#listener.onTransfer(transfer);
    const streaming = this.#stream?.readyState === EventSource.OPEN;
    if (this.#stream?.readyState === EventSource.CLOSED) this.#listen();
    this.#later(streaming ? CHECK_EVERY : FIRST_PAUSE);
  }

  #missed() {
    this.#listener.onOffline();
    this.#pause = Math.min(this.#pause * 1.5, LONGEST_PAUSE);
    this.#later(this.#pause);
  }

  /** @param {number} pause */
  #later(pause) {
    clearTimeout(this.#timer);
    if (!this.#stopped) this.#timer = setTimeout(this.now, pause);
  }
}
