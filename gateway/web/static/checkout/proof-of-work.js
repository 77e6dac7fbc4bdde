/**
 * Proof of work, which the gateway asks for while many unpaid invoices are open (docs/protocol.md §10). The browser does
 * the attempts outside this thread, several at once, so the page stays alive.
 */

import { unb64u } from "../sealing/bytes.js";
import { SealingError } from "../sealing/errors.js";
import { subtle } from "../sealing/webcrypto.js";

/** @typedef {import("../sealing/errors.js").Challenge} Challenge */

const CHALLENGE_BYTES = 25;
const ITERATIONS = 256;
/** More than that would take hours; a gateway asks for 14 at most. */
const HARDEST_BITS = 20;
const AT_ONCE = 16;
/** Nobody needs to hear of what is done sooner. */
const QUIET_MS = 1000;

/**
 * @param {Challenge} asked
 * @param {(part: number) => void} [onProgress] after a second, attempts made of those that are usual: 1 is all of them, and not the end
 * @returns {Promise<{challenge: string, nonce: number}>} what to send with the request; the smallest nonce that solves it
 * @throws {SealingError} work_too_hard, invalid_identifier
 */
export async function solve({ challenge, bits }, onProgress = () => {}) {
  if (!(Number.isInteger(bits) && bits >= 0 && bits <= HARDEST_BITS)) throw new SealingError("work_too_hard", "more work than is reasonable");
  const salt = unb64u(challenge, CHALLENGE_BYTES);
  const quietUntil = performance.now() + QUIET_MS;
  for (let first = 0; ; first += AT_ONCE) {
    const tried = await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => zeroBits(salt, first + at)));
    const index = tried.findIndex((zeros) => zeros >= bits);
    if (index >= 0) return { challenge, nonce: first + index };
    if (performance.now() > quietUntil) onProgress((first + AT_ONCE) / 2 ** bits);
  }
}

/**
 * @param {import("../sealing/bytes.js").Bytes} salt
 * @param {number} nonce
 * @returns {Promise<number>} leading zero bits of work(nonce), counted as far as 32
 */
async function zeroBits(salt, nonce) {
  const password = new DataView(new ArrayBuffer(8));
  password.setBigUint64(0, BigInt(nonce));
  const key = await subtle().importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const work = await subtle().deriveBits({ name: "PBKDF2", hash: "SHA-256", salt, iterations: ITERATIONS }, key, 64);
  return Math.clz32(new DataView(work).getUint32(0));
}
