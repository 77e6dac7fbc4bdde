/** Which purchase this page is about: one that this browser remembers, one begun without JavaScript, or a recovery link's. */

import { b64u, unb64u } from "../sealing/bytes.js";
import { GatewayError } from "../sealing/errors.js";
import { claimHash, newClaim } from "../sealing/shares.js";
import { createTransfer, parkedClaim, transferOf } from "./api.js";
import { checkTransfer } from "./bill.js";
import { areStored, claimsOf, keepClaim, noteClaim } from "./claims.js";
import { isPaid } from "./state.js";

/** @typedef {import("./state.js").Transfer} Transfer */
/** @typedef {import("./bill.js").Goods} Goods */
/** @typedef {{claim: string, adopted: boolean, transfer: Transfer}} Purchase `adopted`: see claims.js */

/** The most finished purchase wins; among equals the newest. */
const RANK = ["settled", "invalid", "processing", "new", "expired"];

/**
 * Whoever made a link may hold its claim's invoice, so nobody is asked to pay that: it counts once it is paid.
 * @param {Goods} goods
 * @param {{fromLink: string | null, parked: boolean}} hints `parked`: the server saw a cookie of a purchase without JavaScript
 * @returns {Promise<{found: Purchase | null, linkUnpaid: boolean}>} `linkUnpaid`: the link's claim is not to be used
 * @throws {GatewayError} when it cannot be known whether something was paid; gateway_dishonest
 */
export async function resume(goods, { fromLink, parked }) {
  const { fileId } = goods;
  const waiting = parked ? await parkedClaim(fileId).catch(() => null) : null;
  const kept = claimsOf(fileId);
  const known = new Set(kept.map(({ claim }) => claim));
  const more = [
    { claim: waiting, adopted: false },
    { claim: fromLink, adopted: true },
  ].filter(({ claim }) => claim !== null && !known.has(claim));
  const candidates = /** @type {import("./claims.js").Kept[]} */ ([...more, ...kept]);
  const looked = await Promise.all(candidates.map((candidate) => lookUp(goods, candidate)));
  const purchases = looked.filter((one) => one !== null && (!one.adopted || isPaid(one.transfer)));
  const usable = /** @type {Purchase[]} */ (purchases);
  for (const { claim, adopted, transfer } of usable) {
    if (!known.has(claim)) keepClaim(fileId, claim, adopted);
    noteClaim(fileId, claim, transfer);
  }
  const linkUnpaid = fromLink !== null && !usable.some(({ claim }) => claim === fromLink);
  return { found: usable.sort((left, right) => rank(left) - rank(right))[0] ?? null, linkUnpaid };
}

/** @param {Purchase} purchase */
const rank = ({ transfer }) => RANK.indexOf(transfer.received_sat > 0 && transfer.state === "expired" ? "new" : transfer.state);

/**
 * A claim that the gateway does not know is kept all the same: its memory may be the one that failed.
 * @param {Goods} goods
 * @param {import("./claims.js").Kept} candidate
 * @returns {Promise<Purchase | null>}
 */
async function lookUp(goods, { claim, adopted = false, first }) {
  const transfer = await transferOf(claim).catch((error) => {
    if (error instanceof GatewayError && error.code === "claim_mismatch") return null;
    throw error;
  });
  if (transfer === null || transfer.file_id !== goods.fileId) return null;
  checkTransfer(transfer, goods, first);
  return { claim, adopted, transfer };
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
  return { claim, adopted: false, transfer };
}
