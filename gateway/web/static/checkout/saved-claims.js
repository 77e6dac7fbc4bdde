/**
 * Claim secrets, kept in this browser per file, so that a reload goes on and a late payment still finds its buyer.
 * Newest first. What was paid for is never forgotten. Where storage is forbidden they last as long as the page, so
 * nothing is begun there before the buyer has kept the claim.
 */

import { isStored, read, write } from "../ui/browser-storage.js";
import { isPaid } from "./checkout-state.js";
import { firstOf } from "./invoice-terms.js";

/**
 * @typedef {object} Kept
 * @property {string} claim b64u
 * @property {boolean} [adopted] it came from a link that anyone may have made: good for what is paid, never for paying
 * @property {boolean} [rest] the buyer chose to pay the rest of it; good for that while something is received
 * @property {import("./invoice-terms.js").First} [first] the gateway's first answer, from which later ones must not differ
 * @property {boolean} [paid] money was seen, now or ever
 * @property {boolean} [over] the time to pay is up
 */

/** Beyond so many, the oldest go that nobody paid in time. */
const ENOUGH = 8;

/** @param {string} fileId */
const keyOf = (fileId) => `bitcache.claims.${fileId}`;

/**
 * @param {string} fileId
 * @returns {Kept[]}
 */
export function claimsOf(fileId) {
  try {
    const kept = JSON.parse(read(keyOf(fileId)) ?? "[]");
    return Array.isArray(kept) ? kept.map(understood).filter((entry) => entry !== null) : [];
  } catch {
    return [];
  }
}

/**
 * @param {string} fileId
 * @param {string} claim b64u
 * @param {boolean} [adopted]
 * @param {boolean} [rest]
 */
export function keepClaim(fileId, claim, adopted = false, rest = false) {
  const others = claimsOf(fileId).filter((entry) => entry.claim !== claim);
  save(fileId, [{ claim, ...(adopted && { adopted }), ...(rest && { rest }) }, ...others]);
}

/**
 * Whether the claims of this file outlive the page as they are now.
 * @param {string} fileId
 */
export const areStored = (fileId) => isStored(keyOf(fileId));

/**
 * What the gateway said of it, once that was checked.
 * @param {string} fileId
 * @param {string} claim
 * @param {import("./checkout-state.js").Purchase} purchase
 */
export function noteClaim(fileId, claim, purchase) {
  const kept = claimsOf(fileId);
  const at = kept.findIndex((entry) => entry.claim === claim);
  if (at < 0) return;
  const first = kept[at].first ?? firstOf(purchase);
  const paid = kept[at].paid || purchase.received_sat > 0 || isPaid(purchase);
  const noted = { ...kept[at], first, paid, over: purchase.state === "expired" };
  if (JSON.stringify(noted) === JSON.stringify(kept[at])) return;
  kept[at] = noted;
  save(fileId, kept);
}

/**
 * @param {string} fileId
 * @param {Kept[]} kept
 */
function save(fileId, kept) {
  const spare = kept.filter((entry) => entry.over && !entry.paid);
  const surplus = Math.min(spare.length, Math.max(0, kept.length - ENOUGH));
  const gone = spare.slice(spare.length - surplus);
  write(keyOf(fileId), JSON.stringify(kept.filter((entry) => !gone.includes(entry))));
}

/**
 * @param {unknown} entry
 * @returns {Kept | null} earlier versions kept claims alone, and did not tell where they came from
 */
function understood(entry) {
  const kept = typeof entry === "string" ? { claim: entry, adopted: true } : /** @type {Kept | null} */ (entry);
  return /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/.test(kept?.claim ?? "") ? kept : null;
}
