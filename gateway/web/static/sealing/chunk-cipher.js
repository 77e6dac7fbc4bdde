/**
 * One chunk of Cobblestone-128 and its key schedule (docs/protocol.md §3, C2SP chunked-encryption).
 * Plumbing of cobblestone.js, which is what callers want.
 */

import { concat, same, utf8 } from "./bytes.js";
import { SealingError } from "./errors.js";
import { hmacSha512, subtle } from "./webcrypto.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */

export const KEY_SIZE = 16;
export const SALT_SIZE = 24;
export const HEADER_SIZE = 56;
export const TAG_SIZE = 16;
export const CHUNK_SIZE = 16_384;
export const SEALED_CHUNK_SIZE = CHUNK_SIZE + TAG_SIZE;

/** Chunks handled at once: one group of the manifest, and enough to keep WebCrypto's threads busy. */
export const BATCH_CHUNKS = 64;
export const BATCH_SIZE = BATCH_CHUNKS * CHUNK_SIZE;
export const SEALED_BATCH_SIZE = BATCH_CHUNKS * SEALED_CHUNK_SIZE;

const LABEL = utf8("c2sp.org/chunked-encryption@v1+AEAD_AES_128_GCM\0");

/** AES-128-GCM under the key, base nonce and commitment that (key, context, salt) derive. */
export class ChunkCipher {
  #key;
  #baseNonce;

  /**
   * Use {@link ChunkCipher.derive}.
   * @param {CryptoKey} key
   * @param {Bytes} baseNonce
   * @param {Bytes} header
   */
  constructor(key, baseNonce, header) {
    this.#key = key;
    this.#baseNonce = baseNonce;
    /** Salt and commitment: the first 56 bytes of the sealed file. */
    this.header = header;
  }

  /**
   * @param {Bytes} key 16 bytes
   * @param {Bytes} context
   * @param {Bytes} salt 24 bytes
   * @returns {Promise<ChunkCipher>}
   * @throws {SealingError} wrong_key for a key, not_sealed for a salt of another size
   */
  static async derive(key, context, salt) {
    if (key.length !== KEY_SIZE) throw new SealingError("wrong_key", "a file key has 16 bytes");
    if (salt.length !== SALT_SIZE) throw new SealingError("not_sealed", "a salt has 24 bytes");
    // HKDF-Expand for 60 bytes is a single HMAC block (RFC 5869 §2.3).
    const okm = await hmacSha512(key, concat(LABEL, salt, context, Uint8Array.of(1)));
    const aead = await subtle().importKey("raw", okm.slice(0, 16), "AES-GCM", false, ["encrypt", "decrypt"]);
    return new ChunkCipher(aead, okm.slice(16, 28), concat(salt, okm.subarray(28, 60)));
  }

  /**
   * The cipher for a sealed file's first 56 bytes; checks the commitment.
   * @param {Bytes} key
   * @param {Bytes} context
   * @param {Bytes} header
   * @throws {SealingError} not_sealed, wrong_key
   */
  static async forHeader(key, context, header) {
    if (header.length < HEADER_SIZE) throw new SealingError("not_sealed", "the header is incomplete");
    const cipher = await ChunkCipher.derive(key, context, header.slice(0, SALT_SIZE));
    if (same(cipher.header, header)) return cipher;
    throw new SealingError("wrong_key", "the commitment belongs to another key or context");
  }

  /** @param {number} index of the chunk, below 2^38 */
  #algorithm(index) {
    const iv = this.#baseNonce.slice();
    // Base nonce XOR the 12-byte big-endian index. By division: bit operators stop at 32 bits.
    for (let at = 11, rest = index; rest > 0; at--, rest = Math.floor(rest / 256)) iv[at] ^= rest % 256;
    return { name: "AES-GCM", iv };
  }

  /**
   * Seals whole chunks, the last of which may be shorter, all at once.
   * @param {Bytes} plain at most a few MiB
   * @param {number} firstIndex
   * @param {boolean} final whether a short last chunk, even an empty one, belongs at the end
   * @returns {Promise<Bytes>}
   */
  async sealChunks(plain, firstIndex, final) {
    const full = Math.floor(plain.length / CHUNK_SIZE);
    const count = final ? full + 1 : full;
    const out = new Uint8Array(Math.min(plain.length, count * CHUNK_SIZE) + count * TAG_SIZE);
    await everyChunk(count, async (k) => {
      const chunk = plain.subarray(k * CHUNK_SIZE, (k + 1) * CHUNK_SIZE);
      const sealed = await subtle().encrypt(this.#algorithm(firstIndex + k), this.#key, chunk);
      out.set(new Uint8Array(sealed), k * SEALED_CHUNK_SIZE);
    });
    return out;
  }

  /**
   * Opens chunks all at once, up to the first that fails.
   * @param {Bytes} sealed whole chunks; a shorter last one has at least 16 bytes
   * @param {number} firstIndex
   * @returns {Promise<{plain: Bytes, failed: number | null}>} `plain` holds the chunks before the `failed` index
   */
  async openChunks(sealed, firstIndex) {
    const count = Math.ceil(sealed.length / SEALED_CHUNK_SIZE);
    const out = new Uint8Array(sealed.length - count * TAG_SIZE);
    let failed = count;
    await everyChunk(count, async (k) => {
      const chunk = sealed.subarray(k * SEALED_CHUNK_SIZE, (k + 1) * SEALED_CHUNK_SIZE);
      try {
        const plain = await subtle().decrypt(this.#algorithm(firstIndex + k), this.#key, chunk);
        out.set(new Uint8Array(plain), k * CHUNK_SIZE);
      } catch (error) {
        if (/** @type {Error} */ (error).name !== "OperationError") throw error;
        failed = Math.min(failed, k);
      }
    });
    if (failed === count) return { plain: out, failed: null };
    return { plain: out.slice(0, failed * CHUNK_SIZE), failed: firstIndex + failed };
  }
}

/**
 * Runs `work` for 0 … count-1 concurrently.
 * @param {number} count
 * @param {(k: number) => Promise<void>} work
 */
async function everyChunk(count, work) {
  await Promise.all(Array.from({ length: count }, (_, k) => work(k)));
}
