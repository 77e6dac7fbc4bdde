/** Trying again after a failure that may pass, waiting longer each time. */

import { GatewayError } from "../sealing/errors.js";

/** @typedef {{attempt: number, waitMs: number, code: string}} Retry what is announced before each wait */

/** Statuses worth asking again for: the gateway, or something before it, is busy or restarting. */
const PASSING = [408, 425, 429, 500, 502, 503, 504];

/**
 * Whether asking again may help.
 * @param {unknown} error
 * @returns {error is GatewayError}
 */
export function isPassing(error) {
  if (!(error instanceof GatewayError)) return false;
  return error.status === 0 || PASSING.includes(error.status) || error.code === "upload_offset";
}

/** Waits longer after each failure in a row, and gives up after several without any progress. */
export class Backoff {
  #failures = 0;

  /**
   * @param {object} [options]
   * @param {number} [options.attempts] failures in a row that are forgiven
   * @param {number} [options.firstWaitMs] doubled each time, up to 15 s
   * @param {(retry: Retry) => void} [options.onRetry] told before each wait
   * @param {AbortSignal} [options.signal]
   */
  constructor({ attempts = 8, firstWaitMs = 500, onRetry = () => {}, signal } = {}) {
    this.attempts = attempts;
    this.firstWaitMs = firstWaitMs;
    this.onRetry = onRetry;
    this.signal = signal;
  }

  /** Something got through: the next failure is again the first. */
  progress() {
    this.#failures = 0;
  }

  /**
   * Waits after a failure that may pass; throws any other.
   * @param {unknown} error
   */
  async endure(error) {
    if (!isPassing(error) || this.#failures >= this.attempts) throw error;
    const waitMs = Math.min(this.firstWaitMs * 2 ** this.#failures, 15_000);
    this.#failures += 1;
    this.onRetry({ attempt: this.#failures, waitMs, code: error.code });
    await pause(waitMs, this.signal);
  }

  /**
   * Repeats `work` until it succeeds or backoff ends.
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async insist(work) {
    for (;;) {
      try {
        const result = await work();
        this.progress();
        return result;
      } catch (error) {
        await this.endure(error);
      }
    }
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} [signal]
 * @returns {Promise<void>}
 */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(new DOMException("cancelled", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}
