/** Which ways to pay are open at a moment, which leads, and what a wallet scans for each. */

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
 * @property {import("./invoice-terms.js").LightningTrouble} trouble why there is no Lightning invoice, where there could be one
 * @property {number | null} onchainFeeSat what paying on the chain costs beside the price, where that is known and possible
 */

/** Above this part of what is due, Lightning leads. Python's half: gateway/live/network_fee.py. */
const DEAR = 0.1;

/**
 * @param {import("./checkout-state.js").Purchase} purchase that was checked
 * @param {number} now Unix seconds
 * @param {"any" | "lightning" | null} chosen by the buyer; null: what suits the price
 * @param {number | null} feeSat what a payment on the chain costs beside its amount; null: not known
 * @returns {WaysToPay}
 */
export function waysToPay(purchase, now, chosen, feeSat) {
  const [onchain, lightning] = [onchainRequest(purchase), lightningRequest(purchase, now)];
  const trouble = lightningTrouble(purchase, now);
  const [address, invoice] = [onchain?.address ?? null, lightning?.invoice ?? null];
  const both = onchain !== null && lightning !== null;
  const shown = { canChoose: both, address, invoice, trouble, onchainFeeSat: onchain && feeSat };
  const lead = feeSat !== null && feeSat > purchase.due_sat * DEAR ? "lightning" : "any";
  if (lightning !== null && (!both || (chosen ?? lead) === "lightning")) {
    return { ...shown, way: "lightning", uri: lightningUri(lightning.invoice), address: null };
  }
  if (onchain === null) return { ...shown, way: null, uri: "" };
  return { ...shown, way: both ? "any" : "onchain", uri: paymentUri(onchain, invoice ?? undefined) };
}
