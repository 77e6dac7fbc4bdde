/** What never leaves the browser; the cases are in tests/vectors/secrets.json, which Python reads too. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { kindOfSecret } from "../../gateway/web/static/seller/detect-secrets.js";
import { readVectors } from "./support.js";

const vectors = readVectors("secrets.json");

for (const { what, text, kind } of vectors.secret) {
  test(`recognised as ${kind}: ${what}`, () => assert.equal(kindOfSecret(text), kind));
}

test("what wallets export for others to see is no secret", () => {
  for (const text of vectors.public) assert.equal(kindOfSecret(text), null, text.slice(0, 60));
});
