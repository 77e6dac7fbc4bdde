import assert from "node:assert/strict";
import { test } from "node:test";
import { inflateSync } from "node:zlib";

import { HEADER_SIZE, openRange, openStream } from "../../gateway/web/static/sealing/cobblestone.js";
import { ChunkCipher, SEALED_CHUNK_SIZE } from "../../gateway/web/static/sealing/chunk-cipher.js";
import { collect, collectUntilError, hex, pieces, readVectors, sha512hex, unhex } from "./support.js";

const CODES = ["not_sealed", "wrong_key", "tampered", "truncated", "trailing_bytes"];
const HEADER_CODES = ["not_sealed", "wrong_key"];
const file = readVectors("wycheproof/c2sp_chunked_encryption_aes_128_gcm_test.json");
const vectors = file.testGroups.flatMap((group) => group.tests);

test("the Wycheproof file holds its 35 cases", () => {
  assert.equal(vectors.length, 35);
});

for (const vector of vectors) {
  const sealed = new Uint8Array(inflateSync(Buffer.from(vector.ct, "hex")));
  const key = unhex(vector.key);
  const context = unhex(vector.ctx);
  const name = `Wycheproof ${vector.tcId}, ${vector.comment}`;

  test(`${name}: streaming`, async () => {
    const stream = openStream(key, context, pieces(sealed, 1, 16_400, 70_001));
    if (vector.result === "valid") return assertContent(await collect(stream), vector);
    const { code, bytes } = await collectUntilError(stream);
    assert.ok((vector.flags.includes("HeaderFailure") ? HEADER_CODES : CODES).includes(code), code);
    // What was yielded before the error is the longest valid prefix, or nothing.
    if (vector.flags.includes("PartialPlaintext")) assertContent(bytes, vector);
    else assert.equal(bytes.length, 0);
    assert.equal((await stream.next()).done, true);
  });

  test(`${name}: random access`, async () => {
    const read = async (start, end) => sealed.slice(start, end);
    const open = (start, end) => openRange(key, context, read, sealed.length, start, end);
    if (vector.result === "valid") return assertRanges(open, vector);
    const { code } = await collectUntilError(open(0, Math.max(0, contentLength(sealed.length))));
    assert.ok((vector.flags.includes("HeaderFailure") ? HEADER_CODES : CODES).includes(code), code);
    if (vector.flags.includes("ValidFinalChunk")) assert.equal((await collect(open(0, 0))).length, 0);
    else await assert.rejects(collect(open(0, 0)));
  });

  if (vector.aeadKey) {
    test(`${name}: the key schedule accepts the header`, async () => {
      assert.equal(hex((await ChunkCipher.forHeader(key, context, sealed.slice(0, HEADER_SIZE))).header), hex(sealed.slice(0, 56)));
    });
  }
}

function contentLength(size) {
  return size - HEADER_SIZE - 16 * (Math.floor((size - HEADER_SIZE) / SEALED_CHUNK_SIZE) + 1);
}

function assertContent(bytes, vector) {
  assert.equal(bytes.length, vector.msgLength);
  assert.equal(sha512hex(bytes), vector.msgSha512);
}

async function assertRanges(open, vector) {
  const whole = await collect(open(0, vector.msgLength));
  assertContent(whole, vector);
  const start = Math.max(0, vector.msgLength - 20_000);
  assert.deepEqual(await collect(open(start, vector.msgLength)), whole.slice(start));
  const middle = [Math.floor(start / 2), Math.floor(start / 2) + Math.min(3, vector.msgLength)];
  assert.deepEqual(await collect(open(...middle)), whole.slice(...middle));
}
