/**
 * What a gateway may ask of a buyer: the price that the seller signed, less what arrived, at one address for the whole
 * purchase. The gateway says how much is payable; what a wallet would scan is made here from what was checked, so that
 * no other one is ever shown. Python's half: gateway/client/invoice_terms.py; both read tests/vectors/invoice-terms.json.
 */

import { GatewayError } from "../sealing/errors.js";
import { btcText } from "../ui/format-numbers.js";

/** @typedef {import("./checkout-state.js").Purchase} Purchase */
/** @typedef {{fileId: string, priceSat: number}} VerifiedOffer as the seller signed them */
/** @typedef {{purchase_id: string, address: string}} First what the gateway said when it was first asked */
/**
 * @typedef {object} OnChainRequest where to pay on the chain
 * @property {string} address
 * @property {number} payableSat what is due, raised to what the network carries; 0 when nothing is due
 * @property {boolean} seesUnconfirmed
 */

/** The way to pay that this page knows; it passes over others. */
export const ONCHAIN = "onchain";
/** A rest may be raised to what the network carries (bitcache/money.py), and to no more than that. */
const LARGEST_DUST = 546;
const YEAR_3000 = 32_503_680_000;

/**
 * @param {Pick<Purchase, "payment_requests">} purchase
 * @returns {OnChainRequest}
 * @throws {GatewayError} gateway_dishonest, if there is none that is ready
 */
export function onchainRequest({ payment_requests: requests }) {
  for (const { rail, destination, payable_sat: payableSat, sees_unconfirmed: seesUnconfirmed } of requests) {
    if (rail === ONCHAIN && destination !== null) return { address: destination, payableSat, seesUnconfirmed };
  }
  throw new GatewayError("gateway_dishonest", "the invoice has no address to pay to");
}

/**
 * @param {Purchase} purchase that was checked
 * @returns {First} from which later answers must not differ
 */
export const firstOf = (purchase) => ({ purchase_id: purchase.purchase_id, address: onchainRequest(purchase).address });

/**
 * BIP21, as the gateway's own (wallet/bip21.py).
 * @param {Pick<OnChainRequest, "address" | "payableSat">} request
 */
export function paymentUri({ address, payableSat }) {
  return `bitcoin:${address}${payableSat === 0 ? "" : `?amount=${btcText(payableSat)}`}`;
}

/**
 * @param {Purchase} purchase as the gateway sent it, by whatever way
 * @param {VerifiedOffer} offer
 * @param {First} [first] what it must not differ from, when it is not the first itself
 * @throws {GatewayError} gateway_dishonest
 */
export function checkPurchase(purchase, { fileId, priceSat }, first) {
  const { purchase_id: id, amount_sat: amount, received_sat: received, due_sat: due } = purchase;
  const request = onchainRequest(purchase);
  const { address, payableSat } = request;
  const uris = purchase.payment_requests.filter(({ rail, destination }) => rail === ONCHAIN && destination !== null).map(({ uri }) => uri);
  insist(purchase.file_id === fileId, "the invoice is for another file");
  insist(/^[A-Za-z0-9_-]{22}$/.test(id) && (!first || id === first.purchase_id), "the gateway answered with another invoice");
  insist(/^[A-Za-z0-9]{14,90}$/.test(address) && (!first || address === first.address), "the gateway asks for a payment to another address");
  insist(amount === priceSat, "the invoice is not for the signed price");
  insist(Number.isSafeInteger(received) && received >= 0 && due === Math.max(0, amount - received), "what is due does not add up");
  const raised = payableSat >= due && payableSat <= Math.max(due, LARGEST_DUST) && (payableSat === 0) === (due === 0);
  insist(Number.isSafeInteger(payableSat) && raised, "the gateway asks for more or less than what is due");
  insist(uris.length === 1 && uris[0] === paymentUri(request), "the payment URI asks for something else than the invoice");
  insist(purchase.expires_at < YEAR_3000, "the invoice has no end");
}

/**
 * @param {boolean} holds
 * @param {string} otherwise
 */
function insist(holds, otherwise) {
  if (!holds) throw new GatewayError("gateway_dishonest", otherwise);
}
