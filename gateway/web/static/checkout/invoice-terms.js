/**
 * What a gateway may ask of a buyer: the price that the seller signed, less what arrived, at one address for the whole
 * purchase. The payment URI is made here from what was checked, so that no other one is ever shown.
 */

import { GatewayError } from "../sealing/errors.js";
import { btcText } from "../ui/format-numbers.js";

/** @typedef {import("./checkout-state.js").Purchase} Purchase */
/** @typedef {{fileId: string, priceSat: number}} VerifiedOffer as the seller signed them */
/** @typedef {{purchase_id: string, address: string}} First what the gateway said when it was first asked */

/** The smallest output that the network carries, in satoshis by kind of address (bitcache/money.py). @type {[RegExp, number][]} */
const LEAST = [
  [/^(?:bc|tb|bcrt)1q[02-9ac-hj-np-z]{38}$/, 294],
  [/^(?:bc|tb|bcrt)1q[02-9ac-hj-np-z]{58}$/, 330],
  [/^(?:bc|tb|bcrt)1p[02-9ac-hj-np-z]{58}$/, 330],
  [/^[32][1-9A-HJ-NP-Za-km-z]{25,34}$/, 540],
  [/^[1mn][1-9A-HJ-NP-Za-km-z]{25,34}$/, 546],
];

/** @param {string} address */
const leastFor = (address) => LEAST.find(([shape]) => shape.test(address))?.[1];

/**
 * What is due, raised to what the network carries at that address.
 * @param {Pick<Purchase, "address" | "due_sat">} purchase
 */
export function askedSat({ address, due_sat: due }) {
  return due === 0 ? 0 : Math.max(due, leastFor(address) ?? due);
}

/**
 * BIP21, as the gateway's own (wallet/bip21.py).
 * @param {Pick<Purchase, "address" | "due_sat">} purchase
 */
export function paymentUri(purchase) {
  const asked = askedSat(purchase);
  return `bitcoin:${purchase.address}${asked === 0 ? "" : `?amount=${btcText(asked)}`}`;
}

/**
 * @param {Purchase} purchase as the gateway sent it, by whatever way
 * @param {VerifiedOffer} goods
 * @param {First} [first] what it must not differ from, when it is not the first itself
 * @throws {GatewayError} gateway_dishonest
 */
export function checkPurchase(purchase, { fileId, priceSat }, first) {
  const { purchase_id: id, address, amount_sat: amount, received_sat: received, due_sat: due } = purchase;
  insist(purchase.file_id === fileId, "the invoice is for another file");
  insist(/^[A-Za-z0-9_-]{22}$/.test(id) && (!first || id === first.purchase_id), "it is another invoice");
  insist(leastFor(address) !== undefined && (!first || address === first.address), "it is another address");
  insist(amount === priceSat, "the amount is not the signed price");
  insist(Number.isSafeInteger(received) && received >= 0 && due === Math.max(0, amount - received), "what is due does not add up");
  insist(purchase.uri === paymentUri(purchase), "the payment URI asks for something else");
}

/**
 * @param {boolean} holds
 * @param {string} otherwise
 */
function insist(holds, otherwise) {
  if (!holds) throw new GatewayError("gateway_dishonest", otherwise);
}
