/** Requests to the gateway: problems as GatewayError, backoff with the network, never a secret in a URL. */

import { GatewayError, PROXY_CODES } from "../sealing/errors.js";

/** @typedef {typeof globalThis.fetch} Fetch */
/** @typedef {{attempt: number, waitMs: number, code: string}} Retry what is announced before each wait */
/**
 * @typedef {object} Link to the gateway
 * @property {string} gateway scheme, host and port, without a slash at the end
 * @property {string} secret the bearer: seller token or claim secret
 * @property {Fetch} [fetch]
 * @property {AbortSignal} [signal]
 */

const API = "/api/v1";

/** Statuses worth asking again for: the gateway, or something before it, is busy or restarting. */
const PASSING = [408, 425, 429, 500, 502, 503, 504];

/**
 * @param {Link} link
 * @param {string} method
 * @param {string} path under /api/v1
 * @param {{headers?: Record<string, string>, body?: BodyInit}} [more]
 * @returns {Promise<Response>} with a status below 300
 * @throws {GatewayError} `gateway_unreachable` without an answer, else the problem's own code
 */
export async function call(link, method, path, { headers = {}, body } = {}) {
  const init = { method, body, signal: link.signal, headers: { ...headers, Authorization: `Bearer ${link.secret}` } };
  const send = link.fetch ?? fetch;
  const response = await answered(send(link.gateway + API + path, { ...init, cache: "no-store", redirect: "error" }));
  if (response.ok) return response;
  throw await problem(response);
}

/**
 * What the network promised; a broken or silent connection becomes `gateway_unreachable`, a cancelled one stays so.
 * @template T
 * @param {Promise<T>} promise
 * @param {number} [limitMs] of silence; none by default, since a slow upload is silent too
 * @returns {Promise<T>}
 */
export async function answered(promise, limitMs) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  const silence = new Promise((_, reject) => {
    if (limitMs !== undefined) timer = setTimeout(() => reject(new Error("silence")), limitMs);
  });
  try {
    return await Promise.race([promise, /** @type {Promise<never>} */ (silence)]);
  } catch (error) {
    if (error instanceof Error && error.name === "AbortError") throw error;
    throw new GatewayError("gateway_unreachable", "the gateway does not answer");
  } finally {
    clearTimeout(timer);
  }
}

/** @param {Response} response */
async function problem(response) {
  const found = await response.json().catch(() => ({}));
  const unnamed = PROXY_CODES.get(response.status) ?? `http_${response.status}`;
  const { code = unnamed, detail = "the gateway refused", hint = "" } = found ?? {};
  return new GatewayError(String(code), String(detail), { status: response.status, hint: String(hint) });
}

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
