/** Which purchase this page is about: one that this browser remembers, one begun without JavaScript, or a recovery link's. */

import { b64u, unb64u } from "../sealing/bytes.js";
import { GatewayError } from "../sealing/errors.js";
import { claimHash, newClaim } from "../sealing/shares.js";
import { createTransfer, parkedClaims, transferOf } from "./api.js";
import { checkTransfer } from "./bill.js";
import { areStored, claimsOf, keepClaim, noteClaim } from "./claims.js";
import { verdictOn } from "./foreign.js";

/** @typedef {import("./state.js").Transfer} Transfer */
/** @typedef {import("./bill.js").Goods} Goods */
/**
 * @typedef {{claim: string, adopted: boolean, rest: boolean, transfer: Transfer}} Purchase `adopted`, `rest`: see claims.js
 * @typedef {{found: Purchase | null, part: Purchase | null, linkUnpaid: boolean}} Resumed `part`: the link's, paid in part,
 *   to be shown first; `linkUnpaid`: the link's claim is not to be used
 */

/** The most finished purchase wins; among equals the newest. */
const RANK = ["settled", "invalid", "processing", "new", "expired"];

/**
 * @param {Goods} goods
 * @param {{fromLink: string | null, parked: boolean}} hints `parked`: the server saw a cookie of a purchase without JavaScript
 * @returns {Promise<Resumed>}
 * @throws {GatewayError} when it cannot be known whether something was paid; gateway_dishonest
 */
export async function resume(goods, { fromLink, parked }) {
  const { fileId } = goods;
  const waiting = parked ? await parkedClaims(fileId).catch(() => []) : [];
  const kept = claimsOf(fileId);
  const known = new Set(kept.map(({ claim }) => claim));
  const foreign = [...new Set([...waiting, ...(fromLink ? [fromLink] : [])])].filter((claim) => !known.has(claim));
  const candidates = [...foreign.map((claim) => ({ claim, adopted: true })), ...kept];
  const purchases = (await Promise.all(candidates.map((candidate) => lookUp(goods, candidate)))).filter((one) => one !== null);
  const usable = purchases.filter(isUsable);
  for (const { claim, adopted, transfer } of usable) {
    if (!known.has(claim)) keepClaim(fileId, claim, adopted);
    noteClaim(fileId, claim, transfer);
  }
  const found = usable.sort((left, right) => rank(left) - rank(right))[0] ?? null;
  const part = found === null || found.transfer.received_sat === 0 ? partOf(purchases, usable, fromLink) : null;
  const linkUnpaid = fromLink !== null && part === null && !usable.some(({ claim }) => claim === fromLink);
  return { found, part, linkUnpaid };
}

/**
 * May be gone on with: it is this browser's own, or paid, or the buyer chose to pay the rest.
 * @param {Purchase} purchase
 */
export const isUsable = ({ adopted, rest, transfer }) =>
  !adopted || verdictOn(transfer) === "take" || (rest && transfer.received_sat > 0);

/**
 * The purchase, paid in part, that the buyer is shown: the link's, else a cookie's.
 * @param {Purchase[]} purchases
 * @param {Purchase[]} usable
 * @param {string | null} fromLink
 */
function partOf(purchases, usable, fromLink) {
  const parts = purchases.filter((one) => !usable.includes(one) && verdictOn(one.transfer) !== "leave");
  return parts.find(({ claim }) => claim === fromLink) ?? parts[0] ?? null;
}

/**
 * The buyer chose to pay the rest of a purchase whose claim others may hold.
 * @param {Purchase} part
 * @returns {Purchase}
 */
export function takeUp(part) {
  const { file_id: fileId } = part.transfer;
  keepClaim(fileId, part.claim, true, true);
  noteClaim(fileId, part.claim, part.transfer);
  return { ...part, rest: true };
}

/** @param {Purchase} purchase */
const rank = ({ transfer }) => RANK.indexOf(transfer.received_sat > 0 && transfer.state === "expired" ? "new" : transfer.state);

/**
 * A claim that the gateway does not know is kept all the same: its memory may be the one that failed.
 * @param {Goods} goods
 * @param {import("./claims.js").Kept} candidate
 * @returns {Promise<Purchase | null>}
 */
async function lookUp(goods, { claim, adopted = false, rest = false, first }) {
  const transfer = await transferOf(claim).catch((error) => {
    if (error instanceof GatewayError && error.code === "claim_mismatch") return null;
    throw error;
  });
  if (transfer === null || transfer.file_id !== goods.fileId) return null;
  checkTransfer(transfer, goods, first);
  return { claim, adopted, rest, transfer };
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
 * @param {Goods} goods
 * @param {string} claim from nextClaim, and kept
 * @param {(part: number) => void} [onWork] hears of a proof of work that takes longer than a second
 * @returns {Promise<Purchase>}
 */
export async function begin(goods, claim, onWork) {
  const { fileId } = goods;
  const transfer = await createTransfer(fileId, b64u(await claimHash(unb64u(claim, 32))), onWork);
  checkTransfer(transfer, goods);
  noteClaim(fileId, claim, transfer);
  return { claim, adopted: false, rest: false, transfer };
}
