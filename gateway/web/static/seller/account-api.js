/** The account's half of the HTTP API (docs/protocol.md §7). */

import { solve } from "../checkout/proof-of-work.js";
import { call, json, request } from "../client/http.js";
import { GatewayError } from "../sealing/errors.js";
import { token } from "./seller-token.js";

/**
 * @typedef {{id: number, kind: "session" | "token", name: string, scope: string, created_at: number, last_used_at: number, current: boolean}} AccessToken
 * @typedef {{name: string, created_at: number, payout_delay: number, tokens: AccessToken[], events: {kind: string, about: string, at: number}[]}} Account
 * @typedef {{version: number, sealed: Uint8Array<ArrayBuffer>}} SealedIndex
 */

const bearer = () => token() ?? "";
const INDEX = "/account/index";

/**
 * Make an account; where many sign up it costs a proof of work.
 * @param {{token: string, name: string, browser: string, invite?: string}} asked
 * @returns {Promise<string>} the first session's token
 */
export async function signUp(asked) {
  try {
    return (await json("/accounts", { method: "POST", json: asked })).token;
  } catch (error) {
    if (!(error instanceof GatewayError) || !error.work) throw error;
    const proof = await solve(error.work);
    return (await json("/accounts", { method: "POST", json: { ...asked, proof_of_work: proof } })).token;
  }
}

/**
 * @param {string} own the seller's own token
 * @param {string} name of this browser
 * @returns {Promise<string>} a session's token
 */
export const beginSession = async (own, name) => (await json("/sessions", { method: "POST", bearer: own, json: { name } })).token;

/** Sign out: this session is over. */
export const endSession = () => request("/session", { method: "DELETE", bearer: bearer() });

/** @returns {Promise<Account>} */
export const getAccount = () => json("/account", { bearer: bearer() });

/**
 * @param {number} seconds that a change of payout waits
 * @param {string} proof the seller's own token
 */
export const setPayoutDelay = (seconds, proof) => json("/account", { method: "PATCH", bearer: bearer(), json: { payout_delay: seconds, proof } });

/**
 * @param {string} name
 * @param {"read" | "sell"} scope
 * @returns {Promise<string>} shown this once
 */
export const makeToken = async (name, scope) => (await json("/tokens", { method: "POST", bearer: bearer(), json: { name, scope } })).token;

/**
 * @param {number} id
 * @returns {Promise<string>} its new secret, shown this once
 */
export const rotateToken = async (id) => (await json(`/tokens/${id}/rotate`, { method: "POST", bearer: bearer() })).token;

/** @param {number} id of a session or a token */
export const revoke = (id) => request(`/tokens/${id}`, { method: "DELETE", bearer: bearer() });

/** Be paid where one was: a change that waits is cancelled. */
export const cancelPayoutChange = () => request("/seller/payout/change", { method: "DELETE", bearer: bearer() });

/** @returns {Promise<SealedIndex>} version 0: there is none yet */
export async function getIndex() {
  const response = await call({ gateway: location.origin, secret: bearer() }, "GET", INDEX);
  const version = Number(response.headers.get("ETag")?.replaceAll('"', ""));
  return { version, sealed: new Uint8Array(await response.arrayBuffer()) };
}

/**
 * @param {Uint8Array<ArrayBuffer>} sealed
 * @param {number} replaces the version that was read; 0: there was none
 */
export async function putIndex(sealed, replaces) {
  await call({ gateway: location.origin, secret: bearer() }, "PUT", INDEX, { headers: { "If-Match": `"${replaces}"` }, body: sealed });
}
