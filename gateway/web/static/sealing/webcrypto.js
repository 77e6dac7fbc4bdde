/** The few WebCrypto calls everything here is made of. */

import { SealingError } from "./errors.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */

/**
 * WebCrypto, or a refusal that a page can explain: browsers hide it from pages opened over plain http.
 * @returns {SubtleCrypto}
 * @throws {SealingError} insecure_context
 */
export function subtle() {
  if (globalThis.crypto?.subtle) return crypto.subtle;
  throw new SealingError("insecure_context", "WebCrypto needs https, or localhost");
}

/**
 * @param {number} length bytes, at most 65 536
 * @returns {Bytes}
 */
export function randomBytes(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

/**
 * @param {Bytes} data
 * @returns {Promise<Bytes>} 32 bytes
 */
export async function sha256(data) {
  return new Uint8Array(await subtle().digest("SHA-256", data));
}

/**
 * HMAC-SHA-512, RFC 2104.
 * @param {Bytes} key not empty
 * @param {Bytes} data
 * @returns {Promise<Bytes>} 64 bytes
 */
export async function hmacSha512(key, data) {
  const algorithm = { name: "HMAC", hash: "SHA-512" };
  const imported = await subtle().importKey("raw", key, algorithm, false, ["sign"]);
  return new Uint8Array(await subtle().sign("HMAC", imported, data));
}

/**
 * HKDF-SHA-256, RFC 5869.
 * @param {Bytes} ikm
 * @param {Bytes} salt
 * @param {Bytes} info
 * @param {number} length bytes
 * @returns {Promise<Bytes>}
 */
export async function hkdfSha256(ikm, salt, info, length) {
  const imported = await subtle().importKey("raw", ikm, "HKDF", false, ["deriveBits"]);
  const algorithm = { name: "HKDF", hash: "SHA-256", salt, info };
  return new Uint8Array(await subtle().deriveBits(algorithm, imported, length * 8));
}
