/** The buyer's half of the HTTP API (docs/protocol.md §7). */

import { GatewayError } from "../sealing/errors.js";
import { json, request } from "../client/http.js";
import { solve } from "./proof-of-work.js";

/** @typedef {import("./checkout-state.js").Purchase} Purchase */
/**
 * @typedef {{file_id: string, manifest: string, signature: string, meta: string, price_sat: number, sealed_size: number,
 *   onchain_fee_sat?: number | null, demo: boolean, simulated: boolean, paused: string | null,
 *   sell_until?: number | null, sales_left?: number | null}} FileAnswer
 */

/**
 * @param {string} fileId
 * @returns {Promise<FileAnswer>}
 */
export const getFile = (fileId) => json(`/files/${fileId}`);

/**
 * @param {string} fileId
 * @returns {Promise<Uint8Array<ArrayBuffer>>} sealed
 */
export async function getPreview(fileId) {
  return new Uint8Array(await (await request(`/files/${fileId}/preview`)).arrayBuffer());
}

/** Others ask while this page works, so the first solution may not be enough any more. */
const WORK_ROUNDS = 5;

/**
 * @param {string} fileId
 * @param {string} claimHash b64u
 * @param {number} priceSat that was shown: another one is refused
 * @param {(part: number) => void} [onWork] hears of a proof of work that takes longer than a second
 * @returns {Promise<Purchase>} the same for the same claim
 */
export async function createPurchase(fileId, claimHash, priceSat, onWork) {
  /** @type {{claim_hash: string, price_sat: number, proof_of_work?: {challenge: string, nonce: number}}} */
  const body = { claim_hash: claimHash, price_sat: priceSat };
  for (let round = 0; ; round++) {
    try {
      return await json(`/files/${fileId}/purchases`, { method: "POST", json: body });
    } catch (error) {
      if (!(error instanceof GatewayError) || !error.work || round === WORK_ROUNDS) throw error;
      body.proof_of_work = await solve(error.work, onWork);
    }
  }
}

/**
 * @param {string} purchaseId
 * @returns {Promise<Purchase>}
 */
export const getPurchase = (purchaseId) => json(`/purchases/${purchaseId}`);

/** @param {string} purchaseId */
export const eventsUrl = (purchaseId) => `/api/v1/purchases/${purchaseId}/events`;

/**
 * @param {string} claim
 * @returns {Promise<Purchase>}
 */
export const purchaseOf = (claim) => json("/claim", { bearer: claim });

/**
 * @param {string} claim
 * @returns {Promise<string>} gateway share, b64u
 */
export const getShare = async (claim) => (await json("/share", { bearer: claim })).share;

/**
 * Ask for a further way to pay, such as a Lightning invoice.
 * @param {string} purchaseId
 * @param {string} claim
 * @param {string} rail
 * @returns {Promise<Purchase>}
 */
export const addPaymentRequest = (purchaseId, claim, rail) =>
  json(`/purchases/${purchaseId}/payment-requests`, { method: "POST", bearer: claim, json: { rail } });

/**
 * Show the preimage that the buyer's wallet got for paying: the file is released even if the seller's never reports.
 * @param {string} purchaseId
 * @param {string} claim
 * @param {string} preimage hexadecimal
 * @returns {Promise<Purchase>}
 */
export const showReceipt = (purchaseId, claim, preimage) =>
  json(`/purchases/${purchaseId}/receipt`, { method: "POST", bearer: claim, json: { preimage } });

/**
 * The claims of purchases that were begun without JavaScript and wait in a cookie.
 * @param {string} fileId
 * @returns {Promise<string[]>}
 */
export const pendingClaims = async (fileId) => (await json(`/f/${fileId}/claim`)).claims;

/**
 * @param {string} purchaseId
 * @param {"onchain" | "lightning"} rail
 */
export const demoPay = (purchaseId, rail) => request("/demo/pay", { method: "POST", json: { purchase_id: purchaseId, rail } });
