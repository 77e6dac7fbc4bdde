/** The page's proof of work gives what the gateway accepts: the vectors of tests/vectors/proof_of_work.json. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { createPurchase } from "../../gateway/web/static/checkout/buyer-api.js";
import { solve } from "../../gateway/web/static/checkout/proof-of-work.js";
import { readVectors } from "./support.js";

const { cases } = readVectors("proof_of_work.json");

for (const { challenge, bits, nonce } of cases) {
  test(`${bits} bits`, async () => {
    assert.deepEqual(await solve({ challenge, bits }), { challenge, nonce });
  });
}

test("nothing unreasonable is worked on", async () => {
  const [{ challenge }] = cases;
  for (const bits of [21, -1, 1.5, Number.NaN]) await assert.rejects(solve({ challenge, bits }), { code: "work_too_hard" });
  await assert.rejects(solve({ challenge: "AAAA", bits: 1 }), { code: "invalid_identifier" });
});

test("an invoice is asked for again with each solution, five times at most", async (t) => {
  const bodies = [];
  let asks = 2;
  t.mock.method(globalThis, "fetch", async (_, { body }) => {
    bodies.push(JSON.parse(body));
    const { challenge, bits } = cases[bodies.length % cases.length];
    const busy = { code: "proof_of_work", challenge, bits };
    return bodies.length > asks ? Response.json({ purchase_id: "T" }, { status: 201 }) : Response.json(busy, { status: 429 });
  });
  assert.deepEqual(await createPurchase("F", "H", 2500), { purchase_id: "T" });
  const proofs = cases.slice(1, 3).map(({ challenge, nonce }) => ({ challenge, nonce }));
  assert.deepEqual(bodies, [{ claim_hash: "H", price_sat: 2500 }, ...proofs.map((proof_of_work) => ({ claim_hash: "H", price_sat: 2500, proof_of_work }))]);
  asks = 1000;
  await assert.rejects(createPurchase("F", "H", 2500), { code: "proof_of_work" });
  assert.equal(bodies.length, 3 + 6);
});
