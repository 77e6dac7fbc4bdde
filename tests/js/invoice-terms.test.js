/** What a gateway may ask of a buyer, and every way in which one could ask for something else. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { askedSat, checkPurchase, paymentUri } from "../../gateway/web/static/checkout/invoice-terms.js";

const ADDRESS = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
const GOODS = { fileId: "F", priceSat: 2500 };

/** A Purchase as an honest gateway sends it. */
function honest(changes = {}) {
  const purchase = { purchase_id: "T".repeat(22), file_id: "F", amount_sat: 2500, received_sat: 0, due_sat: 2500, address: ADDRESS, ...changes };
  return { ...purchase, uri: changes.uri ?? paymentUri(purchase) };
}

const refused = { name: "GatewayError", code: "gateway_dishonest" };
const first = { purchase_id: "T".repeat(22), address: ADDRESS };

test("the whole price, a part of it, all of it, and more than it", () => {
  assert.equal(honest().uri, `bitcoin:${ADDRESS}?amount=0.000025`);
  checkPurchase(honest(), GOODS);
  checkPurchase(honest({ received_sat: 1000, due_sat: 1500 }), GOODS, first);
  checkPurchase(honest({ received_sat: 2500, due_sat: 0, uri: `bitcoin:${ADDRESS}` }), GOODS, first);
  checkPurchase(honest({ received_sat: 9000, due_sat: 0 }), GOODS, first);
});

/** @type {Record<string, [string, number]>} */
const KINDS = {
  "native SegWit": ["bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", 294],
  Taproot: ["tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c", 330],
  "nested SegWit": ["3P14159f73E4gFr7JterCCQh9QjiTjiZrG", 540],
  "nested SegWit for tests": ["2N2JD6wb56AfK4tfmM6PwdVmoYk2dCKf4Br", 540],
  legacy: ["1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", 546],
  "legacy for tests": ["mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", 546],
};

for (const [kind, [address, least]] of Object.entries(KINDS)) {
  test(`a small rest is raised to what the network carries: ${kind}`, () => {
    assert.deepEqual([1, least, least + 1, 0].map((due) => askedSat({ address, due_sat: due })), [least, least, least + 1, 0]);
    checkPurchase(honest({ address, received_sat: 2499, due_sat: 1 }), GOODS);
  });
}

/** @type {Record<string, object>} */
const LIES = {
  "another file": { file_id: "G" },
  "another purchase": { purchase_id: "U".repeat(22) },
  "a purchase id that is a path": { purchase_id: "../../f/x" },
  "another address": { address: "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry" },
  "another address of the same kind": { address: "bcrt1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxec" },
  "an address that adds to the URI": { address: `${ADDRESS}?amount=1&x=` },
  "no address": { address: undefined },
  "a higher amount": { amount_sat: 25_000, due_sat: 25_000 },
  "a lower amount": { amount_sat: 250, due_sat: 250 },
  "a higher rest": { due_sat: 25_000 },
  "a rest that nobody paid": { received_sat: 1000 },
  "a negative receipt": { received_sat: -22_500, due_sat: 25_000 },
  "a receipt in text": { received_sat: "0" },
  "half a satoshi": { received_sat: 0.5, due_sat: 2499.5 },
  "another amount in the URI": { uri: `bitcoin:${ADDRESS}?amount=0.00025` },
  "another address in the URI": { uri: `bitcoin:${KINDS.legacy[0]}?amount=0.000025` },
  "something behind the URI": { uri: `bitcoin:${ADDRESS}?amount=0.000025&lightning=x` },
  "dust where there is none": { received_sat: 2499, due_sat: 1, uri: `bitcoin:${ADDRESS}?amount=0.00000546` },
};

for (const [lie, changes] of Object.entries(LIES)) {
  test(`refused: ${lie}`, () => assert.throws(() => checkPurchase(honest(changes), GOODS, first), refused));
}
