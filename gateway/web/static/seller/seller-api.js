/** The seller's half of the HTTP API (docs/protocol.md §7). */

import { json, request } from "../client/http.js";
import { token } from "./seller-token.js";

/**
 * @typedef {{script_type: string, network: string, addresses: string[], next_index: number, gap_hint: number, slowed: boolean, paused: string | null}} Payout
 * @typedef {{script_type: string, network: string, addresses: string[], min_price_sat: number, too_cheap: number}} PayoutCheck
 * @typedef {{rail: string, kind: string, label: string, created_at: number | null, last_answer: number | null, failures: number}} WalletConnection
 * @typedef {{name: string, account: string, network: string, payout: Payout | null, connection: WalletConnection | null,
 *   payout_change: {of: string[], created_at: number, effective_at: number} | null, payout_delay: number, proof_needed: boolean, max_file_bytes: number, deleted_days: number, quota: {bytes_used: number, bytes_most: number, listings_used: number, listings_most: number}, min_price_sat: number, demo: boolean,
 *   simulated: boolean}} Seller
 * @typedef {{file_id: string, price_sat: number, sealed_size: number, created_at: number, path: string, state: "on_sale" | "paused" | "withdrawn", kept_until: number | null, taken_down: string | null,
 *   sell_until: number | null, most_sales: number | null, ended: "sale_over" | "sold_out" | null,
 *   sales: {settled: number, pending: number, received_sat: number}}} Listing
 */

const bearer = () => token() ?? "";

/** @returns {Promise<Seller>} */
export const getSeller = () => json("/seller", { bearer: bearer() });

/**
 * Where one would be paid; nothing is changed.
 * @param {string} descriptor
 * @param {string | null} type
 * @returns {Promise<PayoutCheck>}
 */
export const checkPayout = (descriptor, type) =>
  json("/seller/payout/check", { method: "POST", bearer: bearer(), json: { descriptor, script_type: type } });

/**
 * From now on, or after the seller's delay, buyers pay there: ask the seller first, with what {@link checkPayout} shows.
 * @param {string} descriptor
 * @param {string | null} type
 * @param {string | null} proof the seller's own token, where one is paid already
 * @returns {Promise<Payout>}
 */
export const putPayout = (descriptor, type, proof) =>
  json("/seller/payout", { method: "PUT", bearer: bearer(), json: { descriptor, script_type: type, proof } });

/**
 * Ask a wallet what it is; nothing is changed.
 * @param {string} connection what the wallet exports: a secret
 * @returns {Promise<WalletConnection>}
 */
export const checkConnection = (connection) => json("/seller/connection/check", { method: "POST", bearer: bearer(), json: { connection } });

/**
 * Ask this wallet for Lightning invoices from now on; it is tried first.
 * @param {string} connection what the wallet exports: a secret
 * @param {string | null} proof the seller's own token, where one is paid already
 * @returns {Promise<WalletConnection>}
 */
export const putConnection = (connection, proof) => json("/seller/connection", { method: "PUT", bearer: bearer(), json: { connection, proof } });

/** Ask no wallet any more. */
export const deleteConnection = () => request("/seller/connection", { method: "DELETE", bearer: bearer() });

/**
 * Sell a file on other terms from now on.
 * @param {string} fileId
 * @param {{manifest: string, signature: string, meta: string}} change
 */
export const putListing = (fileId, change) => json(`/listings/${fileId}`, { method: "PUT", bearer: bearer(), json: change });

/**
 * Sell a file, or stop: for a while, or for good.
 * @param {string} fileId
 * @param {Listing["state"]} state
 */
export const setListingState = (fileId, state) => json(`/listings/${fileId}`, { method: "PATCH", bearer: bearer(), json: { state } });

/**
 * Limit until when, and how often, a file is sold; null removes a limit.
 * @param {string} fileId
 * @param {import("./sale-limits.js").Limits} limits
 */
export const limitListing = (fileId, limits) => json(`/listings/${fileId}`, { method: "PATCH", bearer: bearer(), json: limits });

/**
 * Withdraw a file, and have it removed when its buyers have had their time.
 * @param {string} fileId
 */
export const deleteListing = (fileId) => json(`/listings/${fileId}`, { method: "DELETE", bearer: bearer() });

/**
 * One page, newest first.
 * @param {string | null} [after] the `next` of the page before
 * @returns {Promise<{listings: Listing[], next: string | null}>}
 */
export const getListings = (after) => json(after ? `/listings?after=${after}` : "/listings", { bearer: bearer() });
