/** What both workers share: posting, and progress at a pace that a page can draw. */

import { report } from "../sealing/errors.js";

/** @typedef {import("../sealing/errors.js").ErrorReport} ErrorReport */

const PROGRESS_EVERY_MS = 100;

/** @type {DedicatedWorkerGlobalScope} */
const scope = /** @type {any} */ (globalThis);

/** @param {{type: string}} message */
export function post(message) {
  scope.postMessage(message);
}

/** @param {unknown} error */
export function postError(error) {
  post(/** @type {{type: "error", error: ErrorReport}} */ ({ type: "error", error: report(error) }));
}

/**
 * Calls `tell` at most ten times a second, and for the last byte always.
 * @template {unknown[]} T
 * @param {(...args: [...T, number, number]) => void} tell its last two arguments are bytes done and bytes in all
 * @returns {(...args: [...T, number, number]) => void}
 */
export function paced(tell) {
  let last = -Infinity;
  return (...args) => {
    const [done, total] = args.slice(-2);
    const now = performance.now();
    if (now - last < PROGRESS_EVERY_MS && done !== total) return;
    last = now;
    tell(...args);
  };
}

/** @param {(message: any) => unknown} handle one message from the page; what it throws is posted */
export function onMessage(handle) {
  scope.onmessage = async ({ data }) => {
    try {
      await handle(data);
    } catch (error) {
      postError(error);
    }
  };
}
