/**
 * What a gateway may ask of a buyer: the price that the seller signed, less what arrived, at one address for the whole
 * purchase, or by a Lightning invoice for exactly that. The gateway says how much is payable; what a wallet would scan is made here from what was checked, so that
 * no other one is ever shown. Python's half: gateway/client/invoice_terms.py; both read tests/vectors/invoice-terms.json.
 */

import { GatewayError } from "../sealing/errors.js";
import { btcText } from "../ui/format-numbers.js";
import { amountMsat, LIGHTNING, lightningUri } from "./lightning-request.js";

/** @typedef {import("./checkout-state.js").Purchase} Purchase */
/** @typedef {{fileId: string, priceSat: number}} VerifiedOffer as the seller signed them */
/** @typedef {{purchase_id: string, address: string | null, amount_sat?: number}} First what the gateway said when it was first asked */
/**
 * @typedef {object} OnChainRequest where to pay on the chain
 * @property {string} address
 * @property {number} payableSat what is due, raised to what the network carries; 0 when nothing is due
 * @property {boolean} seesUnconfirmed
 */

/**
 * @typedef {object} LightningRequest a Lightning invoice for all that is due
 * @property {string} invoice
 * @property {number} payableSat
 */

/** The ways to pay that this page knows are this one and Lightning; it passes over others. */
export const ONCHAIN = "onchain";
/** A rest may be raised to what the network carries (bitcache/money.py), and to no more than that. */
const LARGEST_DUST = 546;
const MOST_RENEWED = 6;
const YEAR_3000 = 32_503_680_000;

/**
 * Return the way to pay on the chain; null if the purchase has none that is ready.
 * @param {Pick<Purchase, "payment_requests">} purchase
 * @returns {OnChainRequest | null}
 */
export function onchainRequest({ payment_requests: requests }) {
  for (const { rail, destination, payable_sat: payableSat, sees_unconfirmed: seesUnconfirmed } of requests) {
    if (rail === ONCHAIN && destination !== null) return { address: destination, payableSat, seesUnconfirmed };
  }
  return null;
}

/**
 * Return the newest Lightning invoice that can still be paid.
 * @param {Pick<Purchase, "payment_requests">} purchase
 * @param {number} now Unix seconds
 * @returns {LightningRequest | null}
 */
export function lightningRequest({ payment_requests: requests }, now) {
  for (const { rail, destination, payable_sat: payableSat, expires_at: end } of [...requests].reverse()) {
    if (rail === LIGHTNING && destination !== null && end > now) return { invoice: destination, payableSat };
  }
  return null;
}

/** @typedef {"preparing" | "unavailable" | "expired" | null} LightningTrouble */

/**
 * Return why there is no Lightning invoice: it is being made, the seller's wallet cannot make one, or the last one's time is
 * up; null if there is none to be had, or one is ready.
 * @param {Pick<Purchase, "payment_requests">} purchase
 * @param {number} now Unix seconds
 * @returns {LightningTrouble}
 */
export function lightningTrouble(purchase, now) {
  const newest = purchase.payment_requests.filter(({ rail }) => rail === LIGHTNING).at(-1);
  if (newest === undefined || lightningRequest(purchase, now) !== null) return null;
  if (newest.unavailable !== null) return "unavailable";
  return newest.destination === null ? "preparing" : "expired";
}

/**
 * Whether a buyer who looks at an open invoice should be given a new Lightning one, as the last one's time is up. A purchase has
 * only so many (bitcache/payment_requests.py); the last two are left to the button.
 * @param {Pick<Purchase, "payment_requests" | "state" | "expires_at">} purchase
 * @param {number} now Unix seconds
 */
export function shouldRenewLightning(purchase, now) {
  const open = purchase.state === "new" && purchase.expires_at > now;
  return open && lightningTrouble(purchase, now) === "expired" && purchase.payment_requests.length < MOST_RENEWED;
}

/**
 * Return what is asked for: the same on every way to pay, unless the chain cannot carry so little.
 * @param {Pick<Purchase, "payment_requests" | "due_sat">} purchase
 */
export const payableSat = (purchase) => onchainRequest(purchase)?.payableSat ?? purchase.due_sat;

/**
 * @param {Purchase} purchase that was checked
 * @returns {First} from which later answers must not differ
 */
export const firstOf = (purchase) => ({ purchase_id: purchase.purchase_id, address: onchainRequest(purchase)?.address ?? null, amount_sat: purchase.amount_sat });

/**
 * Whether a purchase was begun at another price than the seller asks now, and still asks for money: it is gone on with only where
 * that price was seen when it was begun.
 * @param {Purchase} purchase
 * @param {VerifiedOffer} offer
 * @param {First} [first]
 */
export function isOfAnotherPrice({ amount_sat: amount, due_sat: due, released }, { priceSat }, first) {
  return amount !== (first?.amount_sat ?? priceSat) && due !== 0 && !released;
}

/**
 * BIP21, as the gateway's own (wallet/bip21.py); with an invoice, wallets choose how they pay.
 * @param {Pick<OnChainRequest, "address" | "payableSat">} request
 * @param {string} [invoice]
 */
export function paymentUri({ address, payableSat: asked }, invoice) {
  const parts = [asked === 0 ? "" : `amount=${btcText(asked)}`, invoice ? `lightning=${invoice}` : ""].filter(Boolean);
  return `bitcoin:${address}${parts.length === 0 ? "" : "?"}${parts.join("&")}`;
}

/**
 * @param {Purchase} purchase as the gateway sent it, by whatever way
 * @param {VerifiedOffer} offer
 * @param {First} [first] what it must not differ from, when it is not the first itself
 * @throws {GatewayError} gateway_dishonest; taken_down where the operator lets this buyer have the file no more
 */
export function checkPurchase(purchase, offer, first) {
  const { purchase_id: id, amount_sat: amount, received_sat: received, due_sat: due, taken_down: down } = purchase;
  if (down) throw new GatewayError("taken_down", "the file was taken down", { status: 451, hint: down, reason: "operator" });
  insist(purchase.file_id === offer.fileId, "the invoice is for another file");
  insist(/^[A-Za-z0-9_-]{22}$/.test(id) && (!first || id === first.purchase_id), "the gateway answered with another invoice");
  insist(!isOfAnotherPrice(purchase, offer, first), "the invoice is not for the signed price");
  insist(Number.isSafeInteger(received) && received >= 0 && due === Math.max(0, amount - received), "what is due does not add up");
  insist(purchase.expires_at < YEAR_3000, "the invoice has no end");
  checkOnChain(purchase, first?.address ?? null);
  purchase.payment_requests.forEach((request) => checkLightning(purchase, request));
}

/**
 * @param {Purchase} purchase
 * @param {string | null} known the address that was named first
 */
function checkOnChain(purchase, known) {
  const request = onchainRequest(purchase);
  if (request === null) {
    const other = purchase.payment_requests.some(({ rail }) => rail === LIGHTNING);
    return insist(known === null && other, "the invoice has no address to pay to");
  }
  const { due_sat: due } = purchase;
  const { address, payableSat: asked } = request;
  const uris = purchase.payment_requests.filter(({ rail, destination }) => rail === ONCHAIN && destination !== null).map(({ uri }) => uri);
  insist(/^[A-Za-z0-9]{14,90}$/.test(address) && (known === null || address === known), "the gateway asks for a payment to another address");
  const raised = asked >= due && asked <= Math.max(due, LARGEST_DUST) && (asked === 0) === (due === 0);
  insist(Number.isSafeInteger(asked) && raised, "the gateway asks for more or less than what is due");
  insist(uris.length === 1 && uris[0] === paymentUri(request), "the payment URI asks for something else than the invoice");
}

/**
 * @param {Purchase} purchase
 * @param {import("./checkout-state.js").PaymentRequest} request
 */
function checkLightning({ due_sat: due, network }, { rail, destination, uri, payable_sat: asked }) {
  if (rail !== LIGHTNING || destination === null || due === 0) return;
  insist(amountMsat(destination, network) === due * 1000, "the Lightning invoice asks for something else than what is due");
  insist(asked === due && uri === lightningUri(destination), "the payment URI asks for something else than the invoice");
}

/**
 * @param {boolean} holds
 * @param {string} otherwise
 */
function insist(holds, otherwise) {
  if (!holds) throw new GatewayError("gateway_dishonest", otherwise);
}
