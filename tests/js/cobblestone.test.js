import assert from "node:assert/strict";
import { before, test } from "node:test";

import {
  CHUNK_SIZE,
  ChunkCipher,
  HEADER_SIZE,
  SEALED_CHUNK_SIZE,
  openRange,
  openStream,
  plainSize,
  sealStream,
  sealedSize,
} from "../../gateway/web/static/sealing/cobblestone.js";
import { collect, collectUntilError, counter, pieces } from "./support.js";

const key = counter(16, 5);
const context = counter(20, 9);
const salt = counter(24, 100);
const SIZES = [0, 1, 16_383, 16_384, 16_385, 64 * CHUNK_SIZE - 1, 64 * CHUNK_SIZE, 64 * CHUNK_SIZE + 1];

async function seal(plain, ...cuts) {
  const cipher = await ChunkCipher.derive(key, context, salt);
  return collect(sealStream(cipher, cuts.length ? pieces(plain, ...cuts) : [plain]));
}

for (const size of SIZES) {
  test(`${size} bytes seal to the promised size and open again, however they are cut`, async () => {
    const plain = counter(size);
    const sealed = await seal(plain);
    assert.equal(sealed.length, sealedSize(size));
    assert.equal(plainSize(sealed.length), size);
    assert.deepEqual(await seal(plain, 1, 4097, 100_000), sealed);
    for (const cuts of [[sealed.length], [HEADER_SIZE + 1, 7, 50_000]]) {
      const opened = openStream(key, context, pieces(sealed, ...cuts), { sealedSize: sealed.length });
      assert.deepEqual(await collect(opened), plain);
    }
  });

  test(`${size} bytes cut short or extended anywhere never open as whole`, async () => {
    const sealed = await seal(counter(size));
    const known = { sealedSize: sealed.length };
    for (const lost of [1, 15, 16, 17, sealed.length - 72, sealed.length - 40]) {
      if (lost <= 0 || lost >= sealed.length) continue;
      const cut = sealed.slice(0, sealed.length - lost);
      assert.equal((await collectUntilError(openStream(key, context, [cut], known))).code, "truncated");
      await collectUntilError(openStream(key, context, [cut]));
    }
    for (const extra of [1, 16, 2_000_000]) {
      const long = new Uint8Array(sealed.length + extra);
      long.set(sealed);
      assert.equal((await collectUntilError(openStream(key, context, [long], known))).code, "trailing_bytes");
      await collectUntilError(openStream(key, context, [long]));
    }
  });
}

let sealed;
before(async () => {
  sealed = await seal(counter(4 * CHUNK_SIZE + 100));
});

const at = (chunk) => HEADER_SIZE + chunk * SEALED_CHUNK_SIZE;
const codeOf = async (bytes, known) => (await collectUntilError(openStream(key, context, [bytes], known))).code;

test("a flipped bit is wrong_key in the header and tampered in any chunk, and what came before it is right", async () => {
  for (const position of [0, 23, 24, 55]) assert.equal(await codeOf(flipped(position)), "wrong_key");
  for (const position of [at(0), at(2) + 5, at(3) - 1, sealed.length - 1]) {
    const { code, bytes } = await collectUntilError(openStream(key, context, [flipped(position)]));
    assert.equal(code, "tampered");
    assert.deepEqual(bytes, counter(Math.floor((position - HEADER_SIZE) / SEALED_CHUNK_SIZE) * CHUNK_SIZE));
  }
});

function flipped(position) {
  const copy = sealed.slice();
  copy[position] ^= 1;
  return copy;
}

test("swapped, repeated and dropped chunks are tampered", async () => {
  const chunk = (k) => sealed.slice(at(k), at(k + 1));
  const arranged = (...order) => collect([sealed.slice(0, HEADER_SIZE), ...order.map(chunk)]);
  assert.equal(await codeOf(await arranged(1, 0, 2, 3, 4)), "tampered");
  assert.equal(await codeOf(await arranged(0, 0, 2, 3, 4)), "tampered");
  assert.equal(await codeOf(await arranged(0, 2, 3, 4)), "tampered");
});

test("a file cut after a full chunk is truncated, with or without a known size", async () => {
  assert.equal(await codeOf(sealed.slice(0, at(2))), "truncated");
  assert.equal(await codeOf(sealed.slice(0, at(2) + 9)), "truncated");
  assert.equal(await codeOf(sealed.slice(0, at(2)), { sealedSize: sealed.length }), "truncated");
});

test("under 72 bytes nothing is a sealed file", async () => {
  for (const length of [0, 10, 24, 55, 56, 71]) {
    assert.equal(await codeOf(sealed.slice(0, length)), "not_sealed");
    assert.throws(() => plainSize(length), { code: "not_sealed" });
  }
});

test("impossible sealed lengths are not_sealed, before a byte is read", async () => {
  for (const length of [at(1), at(1) + 15, 72.5, -1, NaN, Infinity, 2 ** 53]) {
    assert.throws(() => plainSize(length), { code: "not_sealed" });
  }
  assert.equal(await codeOf(sealed, { sealedSize: at(1) }), "not_sealed");
});

test("another key, context or key size is wrong_key before any chunk is opened", async () => {
  const cases = [[counter(16, 6), context], [key, counter(20, 8)], [counter(15), context], [counter(17), context]];
  for (const [otherKey, otherContext] of cases) {
    const { code, bytes } = await collectUntilError(openStream(otherKey, otherContext, [sealed]));
    assert.equal(code, "wrong_key");
    assert.equal(bytes.length, 0);
  }
});

test("random access opens any range and reads only its chunks, the header and the final chunk", async () => {
  const reads = [];
  const read = async (start, end) => {
    reads.push(end - start);
    return sealed.slice(start, end);
  };
  for (const [start, end] of [[0, 0], [0, 1], [16_383, 16_385], [20_000, 60_000], [65_536, 65_636], [0, 65_636]]) {
    const part = await collect(openRange(key, context, read, sealed.length, start, end));
    assert.deepEqual(part, counter(end - start, start));
  }
  reads.length = 0;
  await collect(openRange(key, context, read, sealed.length, 20_000, 20_001));
  assert.deepEqual(reads, [HEADER_SIZE, 116, SEALED_CHUNK_SIZE]);
});

test("random access refuses ranges outside the content and stores that lost their end", async () => {
  const read = async (start, end) => sealed.slice(start, end);
  await assert.rejects(collect(openRange(key, context, read, sealed.length, 0, 65_637)), RangeError);
  const short = async (start, end) => sealed.slice(start, Math.min(end, sealed.length - 1));
  assert.equal((await collectUntilError(openRange(key, context, short, sealed.length, 0, 5))).code, "truncated");
});

test("64 MiB stream through sealing and opening in constant memory", async () => {
  const size = 64 * 2 ** 20;
  const piece = counter(2 ** 20);
  function* source() {
    for (let sent = 0; sent < size; sent += piece.length) yield piece;
  }
  const cipher = await ChunkCipher.derive(key, context, salt);
  let peak = 0;
  let opened = 0;
  const base = process.memoryUsage().rss;
  for await (const part of openStream(key, context, sealStream(cipher, source()), { sealedSize: sealedSize(size) })) {
    opened += part.length;
    peak = Math.max(peak, process.memoryUsage().rss - base);
  }
  assert.equal(opened, size);
  assert.ok(peak < 48 * 2 ** 20, `memory grew by ${peak} bytes`);
});
