import assert from "node:assert/strict";
import { test } from "node:test";

import { parseMetadata } from "../../gateway/web/static/sealing/metadata.js";
import { readVectors } from "./support.js";

const { accepted, refused } = readVectors("strict.json");

for (const { why, text } of accepted) {
  test(`read: ${why}`, () => assert.ok([12, 2 ** 52].includes(parseMetadata(text).size)));
}

for (const { why, text } of refused) {
  test(`refused: ${why}`, () => assert.throws(() => parseMetadata(text), ({ code }) => code === "invalid_manifest" || code === "invalid_name"));
}
