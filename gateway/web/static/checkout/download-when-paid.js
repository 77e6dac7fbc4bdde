/** From a payment that was seen to the open file: the download begins at once, and opens when the gateway gives its share. */

import { GatewayError, report } from "../sealing/errors.js";
import { getShare } from "./buyer-api.js";
import { Receiver } from "./buy-worker-client.js";

export class Delivery {
  #dispatch;
  #now;
  /** @type {Receiver | null} */
  #receiver = null;
  #sharing = false;

  /**
   * @param {import("./buy-worker-client.js").Dispatch} dispatch
   * @param {() => number} now Unix seconds
   */
  constructor(dispatch, now) {
    this.#dispatch = dispatch;
    this.#now = now;
  }

  /**
   * @param {import("./buy-worker-client.js").Purchase} purchase
   * @param {boolean} released
   */
  goOn(purchase, released) {
    this.#receiver ??= new Receiver(purchase, this.#dispatch, this.#now);
    if (released) this.#openWhenShared(purchase.claim);
  }

  /** Ends it; it can begin again. */
  stop() {
    this.#receiver?.stop();
    this.#receiver = null;
    this.#sharing = false;
  }

  /** @param {string} claim */
  async #openWhenShared(claim) {
    if (this.#sharing) return;
    this.#sharing = true;
    try {
      const share = await getShare(claim);
      this.#receiver?.open(share);
    } catch (error) {
      this.#sharing = false;
      const passing = error instanceof GatewayError && (error.status === 0 || error.status === 402 || error.status >= 500);
      if (!passing) this.#dispatch({ type: "trouble", trouble: report(error) });
    }
  }
}
