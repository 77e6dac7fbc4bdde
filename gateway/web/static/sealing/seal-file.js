/**
 * Sealing a File or Blob by random access: any part of the sealed file can be made at any time from the
 * content and the secrets, so an upload resumes wherever it broke, in constant memory.
 */

import { b64u, concat, same, unb64u } from "./bytes.js";
import { BATCH_CHUNKS, BATCH_SIZE, ChunkCipher, HEADER_SIZE, sealedSize } from "./cobblestone.js";
import { SealingError } from "./errors.js";
import { GROUP_SIZE, groupCount, groupOffset } from "./hash-groups.js";
import { sha256 } from "./webcrypto.js";
import { context, fileKey, newFileId, newGatewayShare, newLinkShare, newSalt } from "./key-derivation.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {{fileId: Bytes, linkShare: Bytes, gatewayShare: Bytes, salt: Bytes}} Secrets raw bytes */
/**
 * What a seller's page keeps, in IndexedDB, to go on sealing after a reload: b64u, beside the fingerprint of
 * the file. All of it is secret.
 * @typedef {{fileId: string, linkShare: string, gatewayShare: string, salt: string,
 *   size: number, lastModified: number}} SealingState
 */

/** @returns {Secrets} fresh ones, for a file never sealed before */
export function newSecrets() {
  return { fileId: newFileId(), linkShare: newLinkShare(), gatewayShare: newGatewayShare(), salt: newSalt() };
}

/**
 * @param {Secrets} secrets
 * @param {Blob} file
 * @returns {SealingState}
 */
export function saveSecrets(secrets, file) {
  const { fileId, linkShare, gatewayShare, salt } = secrets;
  const shares = { linkShare: b64u(linkShare), gatewayShare: b64u(gatewayShare) };
  return { fileId: b64u(fileId), ...shares, salt: b64u(salt), size: file.size, lastModified: lastModified(file) };
}

/**
 * The secrets to go on with. A file that changed must start over with new ones: the same key and salt
 * must never seal two different contents.
 * @param {SealingState} state
 * @param {Blob} file
 * @returns {Secrets}
 * @throws {SealingError} file_changed, invalid_identifier
 */
export function restoreSecrets(state, file) {
  if (state.size !== file.size || state.lastModified !== lastModified(file)) throw changed();
  return {
    fileId: unb64u(state.fileId, 16),
    linkShare: unb64u(state.linkShare, 16),
    gatewayShare: unb64u(state.gatewayShare, 32),
    salt: unb64u(state.salt, 24),
  };
}

/** @param {Blob} file */
const lastModified = (file) => ("lastModified" in file ? Number(file.lastModified) : 0);
const changed = () => new SealingError("file_changed", "the file is no longer what was sealed before");

/**
 * Browsers tell a file that changed since it was chosen from one that is gone, or never was a file.
 * @param {unknown} error
 * @returns {never}
 */
function unreadable(error) {
  if (error instanceof Error && error.name === "NotReadableError") throw changed();
  throw new SealingError("file_unreadable", "the file cannot be read");
}

export class SealedFile {
  #file;
  #cipher;
  /** @type {(Bytes | undefined)[]} */
  #hashes;
  /** @type {{number: number, bytes: Promise<Bytes>} | null} */
  #last = null;

  /**
   * Use {@link SealedFile.create}.
   * @param {Blob} file
   * @param {ChunkCipher} cipher
   */
  constructor(file, cipher) {
    this.#file = file;
    this.#cipher = cipher;
    /** Bytes of the sealed file. */
    this.size = sealedSize(file.size);
    this.#hashes = new Array(groupCount(this.size));
  }

  /**
   * @param {Blob} file
   * @param {Secrets} secrets
   */
  static async create(file, secrets) {
    const key = await fileKey(secrets.linkShare, secrets.gatewayShare, secrets.fileId);
    return new SealedFile(file, await ChunkCipher.derive(key, context("file", secrets.fileId), secrets.salt));
  }

  /** Salt and commitment, 56 bytes. */
  get header() {
    return this.#cipher.header;
  }

  /**
   * Sealed bytes [start, end). Memory: twice what is asked for, in whole groups (1 MiB).
   * @param {number} start
   * @param {number} end at most `size`
   * @returns {Promise<Bytes>}
   * @throws {SealingError} file_changed, when a part read again differs
   */
  async read(start, end) {
    /** @type {number[]} */
    const numbers = [];
    for (let g = Math.max(0, Math.floor((start - HEADER_SIZE) / GROUP_SIZE)); groupOffset(g) < end; g++) numbers.push(g);
    // All at once: one is read or hashed while another is sealed.
    const groups = await Promise.all(numbers.map((g) => this.#group(g)));
    const parts = groups.map((group, at) => group.subarray(Math.max(0, start - groupOffset(numbers[at])), end - groupOffset(numbers[at])));
    return concat(this.header.subarray(start, Math.min(end, HEADER_SIZE)), ...parts);
  }

  /**
   * The sealed file from the byte `from` on: the header, then one group at a time.
   * @param {number} [from]
   * @returns {AsyncGenerator<Bytes, void, void>}
   */
  async *pieces(from = 0) {
    for (let at = from; at < this.size; ) {
      const group = Math.floor((at - HEADER_SIZE) / GROUP_SIZE);
      const end = Math.min(groupOffset(group + 1), this.size);
      yield await this.read(at, end);
      at = end;
    }
  }

  /**
   * The hash of every group. Those of groups not read yet are made now, by sealing them.
   * @returns {Promise<Bytes[]>}
   */
  async groupHashes() {
    for (let g = 0; g < this.#hashes.length; g++) if (!this.#hashes[g]) await this.#group(g);
    return /** @type {Bytes[]} */ (this.#hashes.slice());
  }

  /**
   * A group's sealed bytes; the latest is kept, since pieces may end inside a group.
   * @param {number} number
   * @returns {Promise<Bytes>}
   */
  #group(number) {
    if (this.#last?.number !== number) this.#last = { number, bytes: this.#seal(number) };
    return this.#last.bytes;
  }

  /** @param {number} number */
  async #seal(number) {
    const start = number * BATCH_SIZE;
    const plain = new Uint8Array(await this.#file.slice(start, start + BATCH_SIZE).arrayBuffer().catch(unreadable));
    if (plain.length !== Math.min(BATCH_SIZE, this.#file.size - start)) throw changed();
    const sealed = await this.#cipher.sealChunks(plain, number * BATCH_CHUNKS, number === this.#hashes.length - 1);
    const hash = await sha256(sealed);
    const before = this.#hashes[number];
    if (before && !same(before, hash)) throw changed();
    this.#hashes[number] = hash;
    return sealed;
  }
}
