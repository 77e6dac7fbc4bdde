/** Which purchase a page goes on with, and which claims a browser keeps: nobody pays a stranger's invoice, nothing paid is lost. */

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { areStored, claimsOf, keepClaim, noteClaim } from "../../gateway/web/static/checkout/saved-claims.js";
import { keeps } from "../../gateway/web/static/ui/browser-storage.js";
import { verdictOn } from "../../gateway/web/static/checkout/claim-from-link.js";
import { begin as beginWith, nextClaim, resume, takeUp } from "../../gateway/web/static/checkout/resume.js";
import { readVectors } from "./support.js";
import { claim, FakeGateway, FakeStorage, FILE, OFFER, purchaseOf } from "./fake-buyer.js";

/** @type {FakeStorage} */
let storage;
/** @type {FakeGateway} */
let gateway;

beforeEach(() => {
  storage = new FakeStorage();
  gateway = new FakeGateway();
  Object.defineProperty(globalThis, "localStorage", { value: storage, configurable: true });
  globalThis.fetch = gateway.fetch;
});

const begin = (offer) => beginWith(offer, nextClaim(offer.fileId).claim);
const kept = () => claimsOf(FILE).map((entry) => entry.claim);
const open = (fromLink = null, pendingClaim = false) => resume(OFFER, { fromLink, pendingClaim });
const attackers = claim(66);

for (const [name, changes] of Object.entries({
  new: {},
  expired: { state: "expired" },
})) {
  test(`a link's claim is left alone while it is ${name}`, async () => {
    gateway.purchases.set(attackers, purchaseOf(attackers, changes));
    assert.deepEqual(await open(attackers), { found: null, part: null, linkUnpaid: true });
    assert.deepEqual(kept(), []);
    const own = await begin(OFFER);
    assert.notEqual(own.claim, attackers);
    assert.deepEqual(kept(), [own.claim]);
  });
}

const { price_sat: PRICE, cases } = readVectors("claims.json");
for (const { name, purchase, verdict } of cases) {
  test(`a link's claim whose purchase is ${name}: ${verdict}`, async () => {
    assert.equal(verdictOn({ ...purchase, due_sat: Math.max(0, PRICE - purchase.received_sat) }), verdict);
  });
}

for (const changes of [{ received_sat: 1000, confirmed_sat: 1000 }, { received_sat: 1000 }, { state: "expired", received_sat: 1000, confirmed_sat: 1000 }]) {
  test(`a link's purchase that is paid in part (${JSON.stringify(changes)}) is shown, and kept by choice alone`, async () => {
    gateway.purchases.set(attackers, purchaseOf(attackers, changes));
    const { found, part, linkUnpaid } = await open(attackers);
    assert.deepEqual([found, part?.claim, linkUnpaid, kept()], [null, attackers, false, []]);
  });
}

test("once the buyer chose to pay the rest it goes on, but only while something is received", async () => {
  gateway.purchases.set(attackers, purchaseOf(attackers, { received_sat: 1000, confirmed_sat: 1000 }));
  takeUp((await open(attackers)).part);
  assert.equal((await open()).found?.claim, attackers);
  gateway.purchases.set(attackers, purchaseOf(attackers));
  assert.deepEqual(await open(), { found: null, part: null, linkUnpaid: false });
  assert.notEqual((await begin(OFFER)).claim, attackers);
});

test("one's own purchase that has money comes before a link's part; one without comes after", async () => {
  gateway.purchases.set(attackers, purchaseOf(attackers, { received_sat: 1000, confirmed_sat: 1000 }));
  keepClaim(FILE, claim(1));
  gateway.purchases.set(claim(1), purchaseOf(claim(1)));
  const { found, part } = await open(attackers);
  assert.deepEqual([found?.claim, part?.claim], [claim(1), attackers]);
  gateway.purchases.set(claim(1), purchaseOf(claim(1), { received_sat: 2000 }));
  assert.equal((await open(attackers)).part, null);
});

for (const state of ["processing", "settled", "invalid"]) {
  test(`a link's claim is adopted once it is ${state}`, async () => {
    gateway.purchases.set(attackers, purchaseOf(attackers, { state, received_sat: 2500 }));
    const { found, linkUnpaid } = await open(attackers);
    assert.deepEqual([found?.claim, found?.adopted, linkUnpaid], [attackers, true, false]);
    assert.deepEqual(kept(), [attackers]);
  });
}

test("an adopted claim whose payment is gone again is not paid by this browser, not even after a reload", async () => {
  gateway.purchases.set(attackers, purchaseOf(attackers, { state: "processing", received_sat: 2500 }));
  await open(attackers);
  gateway.purchases.set(attackers, purchaseOf(attackers));
  assert.equal((await open(attackers)).found, null);
  assert.equal((await open()).found, null);
  assert.notEqual((await begin(OFFER)).claim, attackers);
});

test("claims that an earlier version kept, from links too, count once they are paid", async () => {
  storage.setItem(`bitcache.claims.${FILE}`, JSON.stringify([attackers, claim(1), "nonsense", null, 7]));
  gateway.purchases.set(attackers, purchaseOf(attackers));
  assert.equal((await open()).found, null);
  gateway.purchases.set(claim(1), purchaseOf(claim(1), { state: "settled", received_sat: 2500 }));
  assert.equal((await open()).found?.claim, claim(1));
});

test("one's own access link goes on with one's own purchase, paid or not", async () => {
  keepClaim(FILE, claim(1));
  gateway.purchases.set(claim(1), purchaseOf(claim(1)));
  const { found, linkUnpaid } = await open(claim(1));
  assert.deepEqual([found?.claim, found?.adopted, linkUnpaid], [claim(1), false, false]);
});

test("a link's claim for another file is ignored", async () => {
  gateway.purchases.set(attackers, purchaseOf(attackers, { file_id: "B".repeat(22), state: "settled" }));
  assert.deepEqual(await open(attackers), { found: null, part: null, linkUnpaid: true });
  assert.deepEqual(kept(), []);
});

test("a purchase begun without JavaScript is as foreign as a link's until it is paid: its cookie may be planted", async () => {
  gateway.pendingClaim = [claim(4), claim(5)];
  assert.equal((await open(null, true)).found, null);
  gateway.purchases.set(claim(5), purchaseOf(claim(5)));
  assert.equal((await open(null, true)).found, null);
  assert.deepEqual(kept(), []);
  gateway.purchases.set(claim(5), purchaseOf(claim(5), { received_sat: 1000, confirmed_sat: 1000 }));
  assert.equal((await open(null, true)).part?.claim, claim(5));
  gateway.purchases.set(claim(5), purchaseOf(claim(5), { state: "processing", received_sat: 2500 }));
  assert.equal((await open(null, true)).found?.claim, claim(5));
  assert.deepEqual(kept(), [claim(5)]);
});

test("no answer makes a claim forgotten, and while it is not known whether one is paid nothing is offered", async () => {
  keepClaim(FILE, claim(1));
  for (const [status, code] of [[429, "too_many"], [404, "not_found"], [401, "not_signed_in"], [500, "storage"], [503, "database_busy"]]) {
    gateway.problem = { status, code };
    await assert.rejects(open(), { code });
  }
  gateway.problem = { status: 403, code: "claim_mismatch" };
  assert.equal((await open()).found, null);
  assert.deepEqual(kept(), [claim(1)]);
});

test("a claim that the gateway never answered for is asked about again, and no second one is made", async () => {
  gateway.problem = { status: 503, code: "database_busy" };
  await assert.rejects(begin(OFFER));
  await assert.rejects(begin(OFFER));
  gateway.problem = null;
  const { claim: first } = await begin(OFFER);
  assert.deepEqual(kept(), [first]);
  assert.notEqual((await begin(OFFER)).claim, first);
});

test("paid claims are never pushed out; of the rest the oldest go that are over", () => {
  keepClaim(FILE, claim(0));
  noteClaim(FILE, claim(0), purchaseOf(claim(0), { state: "settled", received_sat: 2500 }));
  keepClaim(FILE, claim(1));
  noteClaim(FILE, claim(1), purchaseOf(claim(1), { state: "expired", received_sat: 10 }));
  for (let n = 2; n < 30; n++) {
    keepClaim(FILE, claim(n));
    if (n % 2) noteClaim(FILE, claim(n), purchaseOf(claim(n), { state: "expired" }));
  }
  const left = kept();
  assert.ok([0, 1, ...Array.from({ length: 14 }, (_, at) => 2 + 2 * at)].every((n) => left.includes(claim(n))), "paid, and not known to be over");
  assert.equal(left.length, 16);
});

test("money that was seen once counts for ever, even when it is gone again", () => {
  keepClaim(FILE, claim(0));
  noteClaim(FILE, claim(0), purchaseOf(claim(0), { state: "processing", received_sat: 2500 }));
  noteClaim(FILE, claim(0), purchaseOf(claim(0), { state: "expired" }));
  for (let n = 1; n < 20; n++) {
    keepClaim(FILE, claim(n));
    noteClaim(FILE, claim(n), purchaseOf(claim(n), { state: "expired" }));
  }
  assert.equal(kept().length, 8);
  assert.ok(kept().includes(claim(0)));
});

test("when storage is full, what this page learned still counts", () => {
  keepClaim(FILE, claim(1));
  storage.full = true;
  keepClaim(FILE, claim(2));
  assert.deepEqual(kept(), [claim(2), claim(1)]);
  storage.full = false;
  keepClaim(FILE, claim(3));
  assert.deepEqual(JSON.parse(storage.getItem(`bitcache.claims.${FILE}`)).length, 3);
});

test("a claim that could not be stored is told from one that was, before anything is begun", () => {
  assert.deepEqual([keeps(), nextClaim(FILE).stored], [true, true]);
  storage.kept.clear();
  storage.full = true;
  const { claim: mine, stored } = nextClaim(FILE);
  assert.deepEqual([keeps(), stored, areStored(FILE), gateway.begun], [false, false, false, []]);
  assert.equal(nextClaim(FILE).claim, mine, "the one that the buyer was shown to keep");
  storage.full = false;
  assert.deepEqual(nextClaim(FILE), { claim: mine, stored: true });
});

const dishonest = { code: "gateway_dishonest" };

test("a new invoice for another amount is refused", async () => {
  gateway.terms = { amount_sat: 25_000, due_sat: 25_000 };
  await assert.rejects(begin(OFFER), dishonest);
});

test("the first address counts, across reloads too", async () => {
  keepClaim(FILE, claim(1));
  gateway.purchases.set(claim(1), purchaseOf(claim(1)));
  await open();
  gateway.purchases.set(claim(1), purchaseOf(claim(1), { address: "bcrt1qqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxec" }));
  await assert.rejects(open(), dishonest);
  gateway.purchases.set(claim(1), purchaseOf(claim(1), { purchase_id: "x".repeat(22) }));
  await assert.rejects(open(), dishonest);
  assert.deepEqual(kept(), [claim(1)]);
});
