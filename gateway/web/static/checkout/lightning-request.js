/**
 * What a Lightning invoice asks for, read from how it begins (BOLT11, human-readable part). Whether the rest is sound is
 * for the buyer's wallet, which shows the amount. Python's half: gateway/client/lightning_request.py; both read
 * tests/vectors/lightning-requests.json.
 */

export const LIGHTNING = "lightning";
/** Bitcoin network: what its invoices begin with, after "ln". @type {Record<string, string>} */
const CURRENCY = { main: "bc", test: "tb", testnet4: "tb", signet: "tbs", regtest: "bcrt" };
const INVOICE = /^ln(bc|tb|tbs|bcrt)([1-9][0-9]{0,11})([munp]?)1[02-9ac-hj-np-z]{100,4000}$/;
/** Picobitcoin, a tenth of a millisatoshi, in one unit of each multiplier. @type {Record<string, bigint>} */
const PICO = { "": 10n ** 12n, m: 10n ** 9n, u: 10n ** 6n, n: 10n ** 3n, p: 1n };
const PICO_PER_MSAT = 10n;

/**
 * Return what the invoice asks for in millisatoshi; null: none of this network, or without a whole amount.
 * @param {string} invoice
 * @param {string} network
 * @returns {number | null}
 */
export function amountMsat(invoice, network) {
  const [, currency, count, multiplier] = INVOICE.exec(invoice) ?? [];
  if (currency === undefined || currency !== CURRENCY[network]) return null;
  const pico = BigInt(count) * PICO[multiplier];
  return pico % PICO_PER_MSAT === 0n ? Number(pico / PICO_PER_MSAT) : null;
}

/**
 * Return what a wallet scans; capitals make the QR code smaller.
 * @param {string} invoice
 */
export const lightningUri = (invoice) => `LIGHTNING:${invoice.toUpperCase()}`;
