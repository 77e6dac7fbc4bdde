/**
 * Following a purchase: server-sent events in one page of this browser that is looked at, and asking every few seconds in
 * the others. Over HTTP/1.1 a browser has six connections to a host: a stream in each tab would leave none for a payment.
 */

import { eventsUrl, getPurchase } from "./buyer-api.js";

/** @typedef {import("./checkout-state.js").Purchase} Purchase */
/** @typedef {{onPurchase: (purchase: Purchase) => void, onOffline: () => void}} Listener */

const FIRST_PAUSE = 2000;
const LONGEST_PAUSE = 15000;
/** Beside a stream too: a connection that died silently looks open for minutes. And where nothing is in a hurry. */
const CHECK_EVERY = 30000;
/** In a tab that nobody looks at. */
const HIDDEN_PAUSE = 10000;
const ONE_STREAM = "bitcache.stream";

/** @param {Purchase} purchase nothing but a reorganisation changes it */
const isFinal = ({ state }) => state === "settled";

export class Watch {
  #purchaseId;
  #listener;
  /** @type {EventSource | null} */
  #stream = null;
  /** Ends the turn, or the wait for it. @type {AbortController | null} */
  #turn = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #pause = FIRST_PAUSE;
  #news = 0;
  #final = false;
  #stopped = false;

  /**
   * @param {string} purchaseId
   * @param {Listener} listener
   */
  constructor(purchaseId, listener) {
    this.#purchaseId = purchaseId;
    this.#listener = listener;
    this.#takeTurns();
    this.#later(FIRST_PAUSE);
    addEventListener("offline", listener.onOffline);
    addEventListener("online", this.now);
    addEventListener("pageshow", this.now);
    document.addEventListener("visibilitychange", this.#onVisibility);
  }

  stop() {
    this.#stopped = true;
    this.#turn?.abort();
    this.#close();
    clearTimeout(this.#timer);
    removeEventListener("offline", this.#listener.onOffline);
    removeEventListener("online", this.now);
    removeEventListener("pageshow", this.now);
    document.removeEventListener("visibilitychange", this.#onVisibility);
  }

  #onVisibility = () => {
    this.#takeTurns();
    if (!document.hidden) this.now();
  };

  /** The stream is for one page at a time; it goes on when that one is hidden, closed or done. */
  #takeTurns() {
    this.#turn?.abort();
    this.#turn = null;
    this.#close();
    if (this.#stopped || this.#final || document.hidden) return;
    const { signal } = (this.#turn = new AbortController());
    const turn = () => new Promise((ended) => {
      if (signal.aborted) return ended(undefined);
      signal.addEventListener("abort", ended, { once: true });
      this.#listen();
    });
    // Refused to a frame of another site: then this page asks.
    navigator.locks?.request(ONE_STREAM, { signal }, turn).catch(() => {});
  }

  /** Asks at once. What the stream says meanwhile may be newer than the answer, so then the answer is dropped. */
  now = async () => {
    clearTimeout(this.#timer);
    const before = this.#news;
    try {
      const purchase = await getPurchase(this.#purchaseId);
      if (this.#news === before) this.#heard(purchase);
    } catch {
      if (!this.#stopped) this.#missed();
    }
  };

  #listen() {
    this.#close();
    this.#stream = new EventSource(eventsUrl(this.#purchaseId));
    this.#stream.addEventListener("purchase", (event) => this.#heard(JSON.parse(event.data)));
    this.#stream.addEventListener("error", () => this.#later(this.#pause));
  }

  #close() {
    this.#stream?.close();
    this.#stream = null;
  }

  /** @param {Purchase} purchase */
  #heard(purchase) {
    if (this.#stopped) return;
    this.#news++;
    this.#pause = FIRST_PAUSE;
    const final = isFinal(purchase);
    if (final !== this.#final) {
      this.#final = final;
      this.#takeTurns();
    }
    this.#listener.onPurchase(purchase);
    if (this.#stream?.readyState === EventSource.CLOSED) this.#listen();
    this.#later(this.#nextPause());
  }

  #nextPause() {
    if (this.#final || this.#stream?.readyState === EventSource.OPEN) return CHECK_EVERY;
    return document.hidden ? HIDDEN_PAUSE : FIRST_PAUSE;
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
