/** Progress as named steps with times: what is done, what goes on now, what is still to come. */

import { onchainRequest } from "./invoice-terms.js";

/**
 * @typedef {"done" | "now" | "todo" | "bad"} Status
 * @typedef {{name: "pay" | "confirm" | "download" | "open", status: Status, key: string, values?: Record<string, number>,
 *   at?: number | null, more?: string, bytes?: {bytes: number, total: number} | null}} Step `key` and `more` name words;
 *   `values` are amounts in satoshis, but for `n` and `have`, which count blocks
 */

/**
 * @param {import("./checkout-state.js").State} state
 * @returns {Step[]}
 */
export function stepsOf(state) {
  return [payStep(state), confirmStep(state), downloadStep(state), openStep(state)];
}

/**
 * @param {import("./checkout-state.js").State} state
 * @returns {Step}
 */
function payStep({ purchase }) {
  if (!purchase) return { name: "pay", status: "todo", key: "step.pay.now" };
  if (purchase.state !== "new" && purchase.state !== "expired") {
    return { name: "pay", status: "done", key: "step.pay.done", at: purchase.seen_at };
  }
  if (purchase.received_sat === 0) {
    // a gateway without a node of its own sees blocks alone: whoever is not told would pay twice
    const more = onchainRequest(purchase)?.seesUnconfirmed !== false ? {} : { more: "step.pay.blind" };
    return { name: "pay", status: "now", key: "step.pay.now", ...more };
  }
  const values = { received: purchase.received_sat, amount: purchase.amount_sat };
  return { name: "pay", status: "now", key: "step.pay.partial", values };
}

/**
 * @param {import("./checkout-state.js").State} state
 * @returns {Step}
 */
function confirmStep({ purchase }) {
  const name = "confirm";
  if (purchase?.state === "settled") return { name, status: "done", key: "step.confirm.done", at: purchase.settled_at };
  if (purchase?.state === "invalid") return { name, status: "bad", key: "step.confirm.undone" };
  if (purchase?.state !== "processing") return { name, status: "todo", key: "step.confirm.todo" };
  const values = { have: purchase.confirmations, n: purchase.confirmations_required };
  return { name, status: "now", key: "step.confirm.now", values, more: "step.confirm.more" };
}

/**
 * @param {import("./checkout-state.js").State} state
 * @returns {Step}
 */
function downloadStep({ download, downloadedAt }) {
  const name = "download";
  if (downloadedAt !== null) return { name, status: "done", key: "step.download.done", at: downloadedAt };
  if (!download) return { name, status: "todo", key: "step.download.todo" };
  return { name, status: "now", key: "step.download.now", bytes: download };
}

/**
 * @param {import("./checkout-state.js").State} state
 * @returns {Step}
 */
function openStep({ openingAt, openedAt, downloadedAt }) {
  if (openedAt !== null) return { name: "open", status: "done", key: "step.open.done", at: openedAt };
  const now = openingAt !== null && downloadedAt !== null;
  return { name: "open", status: now ? "now" : "todo", key: now ? "step.open.now" : "step.open.todo" };
}
