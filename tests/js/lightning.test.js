/** What the page makes of Lightning invoices; the vectors are Python's as well. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { amountMsat, lightningUri } from "../../gateway/web/static/checkout/lightning-request.js";
import { checkPurchase, shouldRenewLightning } from "../../gateway/web/static/checkout/invoice-terms.js";
import { waysToPay } from "../../gateway/web/static/checkout/ways-to-pay.js";
import { readVectors } from "./support.js";

const { cases } = readVectors("lightning-requests.json");
const terms = readVectors("invoice-terms.json");
const INVOICE = cases.find(({ name }) => name === "2500 sat on regtest").invoice;
const NOW = 100;
const OFFER = { fileId: terms.offer.file_id, priceSat: terms.offer.price_sat };
const lightning = (changes = {}) => ({
  rail: "lightning",
  destination: INVOICE,
  uri: lightningUri(INVOICE),
  payable_sat: 2500,
  expires_at: 3601,
  sees_unconfirmed: false,
  unavailable: null,
  ...changes,
});
const [onchain] = terms.purchase.payment_requests;
const purchase = (...requests) => ({ ...terms.purchase, payment_requests: requests });

for (const { name, invoice, network, msat } of cases) {
  test(`what it asks for: ${name}`, () => assert.equal(amountMsat(invoice, network), msat));
}

test("both: one code for any wallet, and Lightning's alone on demand", () => {
  const both = purchase(onchain, lightning());
  const any = waysToPay(both, NOW, null, null);
  assert.deepEqual([any.way, any.canChoose, any.uri], ["any", true, `${onchain.uri}&lightning=${INVOICE}`]);
  const only = waysToPay(both, NOW, "lightning", null);
  assert.deepEqual([only.way, only.address, only.uri], ["lightning", null, lightningUri(INVOICE)]);
});

test("one alone is shown alone, and while it is being made the page waits", () => {
  assert.equal(waysToPay(purchase(onchain), NOW, null, null).way, "onchain");
  assert.equal(waysToPay(purchase(lightning()), NOW, null, null).way, "lightning");
  const preparing = lightning({ destination: null, uri: null });
  assert.deepEqual([waysToPay(purchase(preparing), NOW, null, null).way, waysToPay(purchase(preparing), NOW, null, null).trouble], [null, "preparing"]);
  const away = { ...preparing, unavailable: "the wallet does not answer" };
  assert.deepEqual([waysToPay(purchase(onchain, away), NOW, "lightning", null).way, waysToPay(purchase(onchain, away), NOW, "lightning", null).trouble], ["onchain", "unavailable"]);
  assert.equal(waysToPay(purchase(onchain, lightning({ expires_at: NOW })), NOW, null, null).trouble, "expired");
  assert.equal(waysToPay(purchase(onchain, away, lightning()), NOW, null, null).way, "any");
});

test("a Lightning invoice for another amount, network or code is dishonest", () => {
  checkPurchase(purchase(onchain, lightning()), OFFER);
  checkPurchase(purchase(lightning({ destination: null, uri: null })), OFFER);
  const other = cases.find(({ name }) => name === "123456 sat on regtest").invoice;
  const foreign = cases.find(({ name }) => name === "2500 sat on main").invoice;
  for (const invoice of [other, foreign, "lnbcrt"]) {
    const request = lightning({ destination: invoice, uri: lightningUri(invoice) });
    assert.throws(() => checkPurchase(purchase(onchain, request), OFFER), { code: "gateway_dishonest" });
  }
  assert.throws(() => checkPurchase(purchase(onchain, lightning({ uri: "LIGHTNING:ELSE" })), OFFER), { code: "gateway_dishonest" });
  assert.throws(() => checkPurchase(purchase(onchain, lightning({ payable_sat: 1 })), OFFER), { code: "gateway_dishonest" });
  assert.throws(() => checkPurchase(purchase(), OFFER), { code: "gateway_dishonest" });
});

test("Lightning leads where the network's fee is more than a tenth of what is due", () => {
  const both = purchase(onchain, lightning());
  const way = (chosen, fee) => waysToPay(both, NOW, chosen, fee).way;
  assert.deepEqual([way(null, 250), way(null, 251), way("any", 9999), way("lightning", 1)], ["any", "lightning", "any", "lightning"]);
  assert.equal(waysToPay(both, NOW, null, 251).onchainFeeSat, 251);
  assert.equal(waysToPay(purchase(onchain), NOW, null, 9999).way, "onchain");
  assert.equal(waysToPay(purchase(lightning()), NOW, null, 9999).onchainFeeSat, null);
});

test("a Lightning invoice is renewed when its time is up, while the purchase is open, and not for ever", () => {
  const over = lightning({ expires_at: NOW });
  const asks = (...requests) => shouldRenewLightning({ ...purchase(...requests), expires_at: 9999 }, NOW);
  assert.ok(asks(onchain, over));
  assert.ok(!asks(onchain, over, lightning()));
  assert.ok(!asks(onchain, over, lightning({ destination: null, uri: null })));
  assert.ok(!asks(onchain, { ...over, destination: null, unavailable: "the wallet does not answer" }));
  assert.ok(!asks(onchain, over, over, over, over, over));
  assert.ok(!asks(onchain));
  assert.ok(!shouldRenewLightning({ ...purchase(onchain, over), state: "expired", expires_at: NOW }, NOW));
});
