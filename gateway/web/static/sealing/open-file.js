/** From stored sealed bytes to the content: nothing is handed out before the final chunk is verified. */

import { same } from "./bytes.js";
import { HEADER_SIZE, openStream } from "./cobblestone.js";
import { SealingError } from "./errors.js";
import { GROUP_SIZE } from "./hash-groups.js";
import { context, fileKey, shareHash } from "./key-derivation.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("../client/file-stores.js").Store} Store */

/**
 * The file key, once the gateway's share proved to be the one that the seller signed.
 * @param {Bytes} gatewayShare
 * @param {Bytes} linkShare
 * @param {Manifest} manifest verified
 * @returns {Promise<Bytes>}
 * @throws {SealingError} wrong_share: the gateway gave another, and anyone can prove it
 */
export async function checkedKey(gatewayShare, linkShare, manifest) {
  if (!same(await shareHash(gatewayShare), manifest.shareHash)) {
    throw new SealingError("wrong_share", "the gateway's share is not the one that the seller signed");
  }
  return fileKey(linkShare, gatewayShare, manifest.fileId);
}

/**
 * Opens `sealed` into `plain`. On any failure `plain` is emptied, so that a partial file cannot be mistaken for one.
 * @param {Store} sealed
 * @param {Store} plain
 * @param {Bytes} key
 * @param {Manifest} manifest verified
 * @param {{size: number}} metadata what the seller promised
 * @param {(plainBytes: number, totalBytes: number) => void} [onProgress]
 * @returns {Promise<Blob>} the whole content
 * @throws {SealingError} as openStream
 */
export async function openStored(sealed, plain, key, manifest, metadata, onProgress = () => {}) {
  const source = readAll(sealed);
  const known = { sealedSize: manifest.sealedSize };
  plain.truncate(0);
  try {
    for await (const piece of openStream(key, context("file", manifest.fileId), source, known)) {
      plain.append(piece);
      onProgress(plain.size(), metadata.size);
    }
    if (plain.size() !== metadata.size) throw new SealingError("truncated", "the content has another size than promised");
  } catch (error) {
    plain.truncate(0);
    throw error;
  }
  return plain.finish();
}

/**
 * A store's bytes, cut where the header and each group end.
 * @param {Store} store
 * @returns {AsyncGenerator<Bytes, void, void>}
 */
async function* readAll(store) {
  yield await store.read(0, HEADER_SIZE);
  for (let at = HEADER_SIZE; at < store.size(); at += GROUP_SIZE) yield await store.read(at, at + GROUP_SIZE);
}
