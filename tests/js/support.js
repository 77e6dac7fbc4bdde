/** What several tests share: vectors, patterns, a seeded source of bytes. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const repository = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** @param {string} name of a file under tests/vectors */
export function readVectors(name) {
  return JSON.parse(readFileSync(join(repository, "tests", "vectors", name), "utf8"));
}

/** The "counter" pattern of tests/vectors/sealing.json. */
export function counter(length, start = 0) {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) {
    const at = start + i;
    bytes[i] = (at * 7 + Math.floor(at / 256) * 13) & 0xff;
  }
  return bytes;
}

/** `bytes` in pieces whose sizes repeat the given ones. */
export function* pieces(bytes, ...sizes) {
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length];
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Everything an (async) iterable yields, joined. */
export async function collect(source) {
  const parts = [];
  for await (const part of source) parts.push(Buffer.from(part));
  return new Uint8Array(Buffer.concat(parts));
}

/** What a failing iterable yielded before its error, and that error's code. */
export async function collectUntilError(source) {
  const parts = [];
  try {
    for await (const part of source) parts.push(Buffer.from(part));
  } catch (error) {
    return { code: error.code, bytes: new Uint8Array(Buffer.concat(parts)), error };
  }
  return assert.fail("the source ended as if all were well");
}

export const sha256hex = (bytes) => createHash("sha256").update(bytes).digest("hex");
export const sha512hex = (bytes) => createHash("sha512").update(bytes).digest("hex");
export const hex = (bytes) => Buffer.from(bytes).toString("hex");
export const unhex = (text) => new Uint8Array(Buffer.from(text, "hex"));
