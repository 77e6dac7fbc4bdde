/** Which purchase this page is about: one that this browser remembers, one begun without JavaScript, or an access link's. */

import { b64u, unb64u } from "../sealing/bytes.js";
import { GatewayError } from "../sealing/errors.js";
import { claimHash, newClaim } from "../sealing/key-derivation.js";
import { createPurchase, pendingClaims, purchaseOf } from "./buyer-api.js";
import { checkPurchase, isOfAnotherPrice } from "./invoice-terms.js";
import { areStored, claimsOf, keepClaim, noteClaim } from "./saved-claims.js";
import { verdictOn } from "./claim-from-link.js";

/** @typedef {import("./invoice-terms.js").VerifiedOffer} VerifiedOffer */
/**
 * @typedef {{claim: string, adopted: boolean, rest: boolean, purchase: import("./checkout-state.js").Purchase}} ClaimedPurchase `adopted`, `rest`: see saved-claims.js
 * @typedef {{found: ClaimedPurchase | null, part: ClaimedPurchase | null, linkUnpaid: boolean}} Resumed `part`: the link's, paid in part,
 *   to be shown first; `linkUnpaid`: the link's claim is not to be used
 */

/** The most finished purchase wins; among equals the newest. */
const RANK = ["settled", "invalid", "processing", "new", "expired"];

/**
 * @param {VerifiedOffer} goods
 * @param {{fromLink: string | null, pendingClaim: boolean}} hints `pendingClaim`: the server saw a cookie of a purchase without JavaScript
 * @returns {Promise<Resumed>}
 * @throws {GatewayError} when it cannot be known whether something was paid; gateway_dishonest
 */
export async function resume(goods, { fromLink, pendingClaim }) {
  const { fileId } = goods;
  const waiting = pendingClaim ? await pendingClaims(fileId).catch(() => []) : [];
  const kept = claimsOf(fileId);
  const known = new Set(kept.map(({ claim }) => claim));
  const foreign = [...new Set([...waiting, ...(fromLink ? [fromLink] : [])])].filter((claim) => !known.has(claim));
  const candidates = [...foreign.map((claim) => ({ claim, adopted: true })), ...kept];
  const claimed = (await Promise.all(candidates.map((candidate) => lookUp(goods, candidate)))).filter((entry) => entry !== null);
  const usable = claimed.filter(isUsable);
  for (const { claim, adopted, purchase } of usable) {
    if (!known.has(claim)) keepClaim(fileId, claim, adopted);
    noteClaim(fileId, claim, purchase);
  }
  const found = usable.sort((left, right) => rank(left) - rank(right))[0] ?? null;
  const part = found === null || found.purchase.received_sat === 0 ? partOf(claimed, usable, fromLink) : null;
  const linkUnpaid = fromLink !== null && part === null && !usable.some(({ claim }) => claim === fromLink);
  return { found, part, linkUnpaid };
}

/**
 * May be gone on with: it is this browser's own, or paid, or the buyer chose to pay the rest.
 * @param {ClaimedPurchase} claimed
 */
export const isUsable = ({ adopted, rest, purchase }) =>
  !adopted || verdictOn(purchase) === "take" || (rest && purchase.received_sat > 0);

/**
 * The purchase, paid in part, that the buyer is shown: the link's, else a cookie's.
 * @param {ClaimedPurchase[]} claimed
 * @param {ClaimedPurchase[]} usable
 * @param {string | null} fromLink
 */
function partOf(claimed, usable, fromLink) {
  const parts = claimed.filter((entry) => !usable.includes(entry) && verdictOn(entry.purchase) !== "leave");
  return parts.find(({ claim }) => claim === fromLink) ?? parts[0] ?? null;
}

/**
 * The buyer chose to pay the rest of a purchase whose claim others may hold.
 * @param {ClaimedPurchase} part
 * @returns {ClaimedPurchase}
 */
export function takeUp(part) {
  const { file_id: fileId } = part.purchase;
  keepClaim(fileId, part.claim, true, true);
  noteClaim(fileId, part.claim, part.purchase);
  return { ...part, rest: true };
}

/** @param {ClaimedPurchase} claimed */
const rank = ({ purchase }) => RANK.indexOf(purchase.received_sat > 0 && purchase.state === "expired" ? "new" : purchase.state);

/**
 * A claim that the gateway does not know is kept all the same: its memory may be the one that failed.
 * @param {VerifiedOffer} goods
 * @param {import("./saved-claims.js").Kept} candidate
 * @returns {Promise<ClaimedPurchase | null>}
 */
async function lookUp(goods, { claim, adopted = false, rest = false, first }) {
  const purchase = await purchaseOf(claim).catch((error) => {
    if (error instanceof GatewayError && error.code === "claim_mismatch") return null;
    throw error;
  });
  if (purchase === null || purchase.file_id !== goods.fileId) return null;
  if (!first?.amount_sat && isOfAnotherPrice(purchase, goods)) return null; // nobody here has seen that price
  checkPurchase(purchase, goods, first);
  return { claim, adopted, rest, purchase };
}

/**
 * The claim of the next purchase, kept before the gateway hears of it, so that nothing that is paid can be lost; one
 * that it never answered for is taken first, since it may have heard of that.
 * @param {string} fileId
 * @returns {{claim: string, stored: boolean}} not `stored`: it is lost with this page, unless the buyer keeps it
 */
export function nextClaim(fileId) {
  const unanswered = claimsOf(fileId).find((kept) => !kept.adopted && !kept.first);
  const claim = unanswered?.claim ?? newClaim();
  if (!unanswered || !areStored(fileId)) keepClaim(fileId, claim);
  return { claim, stored: areStored(fileId) };
}

/**
 * A new purchase.
 * @param {VerifiedOffer} goods
 * @param {string} claim from nextClaim, and kept
 * @param {(part: number) => void} [onWork] hears of a proof of work that takes longer than a second
 * @returns {Promise<ClaimedPurchase>}
 */
export async function begin(goods, claim, onWork) {
  const { fileId } = goods;
  const purchase = await createPurchase(fileId, b64u(await claimHash(unb64u(claim, 32))), goods.priceSat, onWork);
  checkPurchase(purchase, goods);
  noteClaim(fileId, claim, purchase);
  return { claim, adopted: false, rest: false, purchase };
}
