/** What a gateway may ask of a buyer, and every way in which one could ask for something else. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { isPaid } from "../../gateway/web/static/checkout/checkout-state.js";
import { checkPurchase, onchainRequest, paymentUri } from "../../gateway/web/static/checkout/invoice-terms.js";
import { readVectors } from "./support.js";

const { offer, first, purchase, cases } = readVectors("invoice-terms.json");
const OFFER = { fileId: offer.file_id, priceSat: offer.price_sat };

/** The purchase as the gateway sent it: changed, and with one on-chain request that is changed, or none. */
function sent({ changes, request, other_requests: others }) {
  const [honest] = purchase.payment_requests;
  return { ...purchase, ...changes, payment_requests: [...(request ? [{ ...honest, ...request }] : []), ...others] };
}

for (const each of cases) {
  test(each.name, () => {
    const goods = { ...OFFER, priceSat: each.price_sat ?? OFFER.priceSat };
    const before = each.first === null ? undefined : first;
    if (each.error !== null) {
      assert.throws(() => checkPurchase(sent(each), goods, before), { code: "gateway_dishonest", message: each.error });
      return;
    }
    checkPurchase(sent(each), goods, before);
    const request = onchainRequest(sent(each));
    assert.deepEqual([request.payableSat, paymentUri(request), isPaid(sent(each))], [each.payable_sat, each.uri, each.is_paid]);
  });
}

/** What Python's models refuse already. @type {Record<string, [object, object]>} */
const MALFORMED = {
  "a purchase id that is a path": [{ purchase_id: "../../f/x" }, {}],
  "a negative receipt": [{ received_sat: -22_500, due_sat: 25_000 }, {}],
  "a receipt in text": [{ received_sat: "0" }, {}],
  "half a satoshi": [{ received_sat: 0.5, due_sat: 2499.5 }, {}],
  "half a satoshi to pay": [{}, { payable_sat: 2500.5 }],
  "an amount in text": [{}, { payable_sat: "2500" }],
  "no end at all": [{ expires_at: undefined }, {}],
};

for (const [name, [changes, request]] of Object.entries(MALFORMED)) {
  test(`refused: ${name}`, () => {
    assert.throws(() => checkPurchase(sent({ changes, request, other_requests: [] }), OFFER), { code: "gateway_dishonest" });
  });
}

test("nothing is paid for a file that was taken down", () => {
  const down = { ...purchase, taken_down: "A court said so.", payment_requests: [] };
  assert.throws(() => checkPurchase(down, OFFER), { code: "taken_down", hint: "A court said so.", reason: "operator" });
});
