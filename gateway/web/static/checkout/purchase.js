/** Which purchase this page is about: a recovery link's, one that this browser remembers, or one begun without JavaScript. */

import { b64u, unb64u } from "../sealing/bytes.js";
import { GatewayError } from "../sealing/errors.js";
import { claimHash, newClaim } from "../sealing/shares.js";
import { createTransfer, parkedClaim, transferOf } from "./api.js";
import { claimsOf, dropClaim, keepClaim } from "./claims.js";

/** @typedef {import("./state.js").Transfer} Transfer */
/** @typedef {{claim: string, transfer: Transfer}} Purchase */

/** The most finished purchase wins; among equals the newest. */
const RANK = ["settled", "invalid", "processing", "new", "expired"];

/**
 * @param {string} fileId
 * @param {{fromLink: string | null, parked: boolean}} hints `parked`: the server saw a cookie of a purchase without JavaScript
 * @returns {Promise<Purchase | null>}
 */
export async function resume(fileId, { fromLink, parked }) {
  if (fromLink) keepClaim(fileId, fromLink);
  const waiting = parked ? await parkedClaim(fileId).catch(() => null) : null;
  if (waiting) keepClaim(fileId, waiting);
  const found = await Promise.all(claimsOf(fileId).map((claim) => lookUp(fileId, claim)));
  const purchases = /** @type {Purchase[]} */ (found.filter(Boolean));
  return purchases.sort((left, right) => rank(left) - rank(right))[0] ?? null;
}

/** @param {Purchase} purchase */
const rank = ({ transfer }) => RANK.indexOf(transfer.received_sat > 0 && transfer.state === "expired" ? "new" : transfer.state);

/**
 * @param {string} fileId
 * @param {string} claim
 * @returns {Promise<Purchase | null>}
 */
async function lookUp(fileId, claim) {
  try {
    const transfer = await transferOf(claim);
    return transfer.file_id === fileId ? { claim, transfer } : null;
  } catch (error) {
    if (error instanceof GatewayError && error.status === 0) throw error;
    if (error instanceof GatewayError && error.status < 500) dropClaim(fileId, claim);
    return null;
  }
}

/**
 * A new purchase. The claim is kept before the gateway hears of it, so nothing that is paid can be lost.
 * @param {string} fileId
 * @returns {Promise<Purchase>}
 */
export async function begin(fileId) {
  const claim = newClaim();
  keepClaim(fileId, claim);
  const transfer = await createTransfer(fileId, b64u(await claimHash(unb64u(claim, 32))));
  return { claim, transfer };
}
