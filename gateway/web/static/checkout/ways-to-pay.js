/** Which ways to pay are open at a moment, and what a wallet scans for each. */

import { lightningRequest, lightningTrouble, onchainRequest, paymentUri } from "./invoice-terms.js";
import { lightningUri } from "./lightning-request.js";

/** @typedef {"any" | "lightning" | "onchain" | null} Way any wallet's choice, one rail alone, or none yet */
/**
 * @typedef {object} WaysToPay
 * @property {Way} way
 * @property {boolean} canChoose both are there: one code for any wallet, or Lightning's alone
 * @property {string} uri what a wallet scans; empty if there is nothing yet
 * @property {string | null} address
 * @property {string | null} invoice the Lightning invoice, also where the code has both
 * @property {"preparing" | "unavailable" | null} trouble why there is no Lightning invoice, where there could be one
 */

/**
 * @param {import("./checkout-state.js").Purchase} purchase that was checked
 * @param {number} now Unix seconds
 * @param {boolean} lightningOnly the buyer asked for the Lightning code alone
 * @returns {WaysToPay}
 */
export function waysToPay(purchase, now, lightningOnly) {
  const [onchain, lightning] = [onchainRequest(purchase), lightningRequest(purchase, now)];
  const trouble = lightningTrouble(purchase, now);
  const [address, invoice] = [onchain?.address ?? null, lightning?.invoice ?? null];
  const both = onchain !== null && lightning !== null;
  const shown = { canChoose: both, address, invoice, trouble };
  if (lightning !== null && (lightningOnly || !both)) return { ...shown, way: "lightning", uri: lightningUri(lightning.invoice), address: null };
  if (onchain === null) return { ...shown, way: null, uri: "" };
  return { ...shown, way: both ? "any" : "onchain", uri: paymentUri(onchain, invoice ?? undefined) };
}
