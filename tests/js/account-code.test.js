/** The account code and what is derived from it; the vectors are Python's as well. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { accountSecrets, groupsOf, newAccountCode, parseAccountCode, spellAccountCode } from "../../gateway/web/static/sealing/account-code.js";
import { readVectors } from "./support.js";

const { codes, typed, wrong } = readVectors("account-codes.json");
const hex = (bytes) => Buffer.from(bytes).toString("hex");

for (const { entropy, code, token } of codes) {
  test(`what ${entropy} is spelled and gives`, async () => {
    const bytes = new Uint8Array(Buffer.from(entropy, "hex"));
    assert.equal(await spellAccountCode(bytes), code);
    assert.equal((await accountSecrets(bytes)).token, token);
  });
}

test("the index key is Python's: what one seals the other opens", async () => {
  const [{ entropy, index_key: raw }] = codes;
  const { indexKey } = await accountSecrets(new Uint8Array(Buffer.from(entropy, "hex")));
  const theirs = await crypto.subtle.importKey("raw", Buffer.from(raw, "hex"), "AES-GCM", false, ["decrypt"]);
  const how = { name: "AES-GCM", iv: new Uint8Array(12) };
  const sealed = await crypto.subtle.encrypt(how, indexKey, new Uint8Array([1, 2, 3]));
  assert.deepEqual(new Uint8Array(await crypto.subtle.decrypt(how, theirs, sealed)), new Uint8Array([1, 2, 3]));
  await assert.rejects(crypto.subtle.exportKey("raw", indexKey), "it can be used and not read");
});

test("as people type it, and typing errors", async () => {
  for (const { text, entropy } of typed) assert.equal(hex((await parseAccountCode(text)) ?? []), entropy);
  for (const text of wrong) assert.equal(await parseAccountCode(text), null, text);
});

test("a fresh one is another one, in seven groups", async () => {
  const [first, second] = [await newAccountCode(), await newAccountCode()];
  assert.notEqual(first, second);
  assert.equal(groupsOf(first).length, 7);
  assert.equal(await spellAccountCode((await parseAccountCode(first)) ?? new Uint8Array()), first);
});
