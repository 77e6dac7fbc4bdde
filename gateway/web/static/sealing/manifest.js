/**
 * The manifest: what the seller signs and everyone can check without any key (docs/protocol.md §5).
 * The exact text is what is signed: keep it beside the parsed manifest and never re-encode it.
 */

import { b64u, concat, same, unb64u, utf8 } from "./bytes.js";
import { HEADER_SIZE, plainSize } from "./cobblestone.js";
import { SealingError } from "./errors.js";
import { sha256, subtle } from "./webcrypto.js";
import { invalid, number, parseObject, raw } from "./strict-json.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/**
 * Sizes in bytes, the price in whole satoshis, everything else raw bytes.
 * @typedef {{fileId: Bytes, sealedSize: number, header: Bytes, groupRoot: Bytes, shareHash: Bytes,
 *   metaHash: Bytes, previewHash: Bytes | null, priceSat: number, sellerKey: Bytes}} Manifest
 */

/** All the satoshis there can be. */
export const MAX_SAT = 21e14;
const MAX_TEXT = 4096;
const DOMAIN = utf8("bitcache/v1 manifest\0");

/** @type {Record<string, import("./strict-json.js").MemberType>} */
const MEMBERS = {
  v: "number",
  file_id: "string",
  sealed_size: "number",
  header: "string",
  group_root: "string",
  share_hash: "string",
  meta_hash: "string",
  preview_hash: "string?",
  price_sat: "number",
  seller_key: "string",
};

/**
 * The JSON to sign and send.
 * @param {Manifest} manifest
 * @returns {string}
 * @throws {SealingError} invalid_manifest
 */
export function manifestText(manifest) {
  const text = JSON.stringify({
    v: 1,
    file_id: b64u(manifest.fileId),
    sealed_size: manifest.sealedSize,
    header: b64u(manifest.header),
    group_root: b64u(manifest.groupRoot),
    share_hash: b64u(manifest.shareHash),
    meta_hash: b64u(manifest.metaHash),
    preview_hash: manifest.previewHash && b64u(manifest.previewHash),
    price_sat: manifest.priceSat,
    seller_key: b64u(manifest.sellerKey),
  });
  parseManifest(text);
  return text;
}

/**
 * @param {string} text
 * @returns {Manifest}
 * @throws {SealingError} invalid_manifest, for an unknown version or member, a wrong type, size or range
 */
export function parseManifest(text) {
  if (utf8(text).length > MAX_TEXT) throw invalid("the manifest is over 4 KiB");
  const members = parseObject(text, MEMBERS);
  number(members.v, 1, 1, "version");
  return {
    fileId: raw(members.file_id, 16, "file_id"),
    sealedSize: sealedLength(members.sealed_size),
    header: raw(members.header, HEADER_SIZE, "header"),
    groupRoot: raw(members.group_root, 32, "group_root"),
    shareHash: raw(members.share_hash, 32, "share_hash"),
    metaHash: raw(members.meta_hash, 32, "meta_hash"),
    previewHash: members.preview_hash === null ? null : raw(members.preview_hash, 32, "preview_hash"),
    priceSat: number(members.price_sat, 1, MAX_SAT, "price_sat"),
    sellerKey: raw(members.seller_key, 32, "seller_key"),
  };
}

/** @param {number} size */
function sealedLength(size) {
  try {
    plainSize(size);
    return size;
  } catch {
    throw invalid("no sealed file has this length");
  }
}

/**
 * A seller's signing key that scripts can use but not read; keep it in IndexedDB.
 * @returns {Promise<CryptoKeyPair>}
 * @throws {SealingError} unsupported_browser, where WebCrypto lacks Ed25519
 */
export async function newSellerKeys() {
  const keys = await withEd25519(() => subtle().generateKey({ name: "Ed25519" }, false, ["sign", "verify"]));
  return /** @type {CryptoKeyPair} */ (keys);
}

/**
 * @param {CryptoKeyPair} keys
 * @returns {Promise<Bytes>} the public key, 32 bytes
 */
export async function sellerKey(keys) {
  return new Uint8Array(await subtle().exportKey("raw", keys.publicKey));
}

/**
 * @param {string} text the manifest, exactly as it will be sent
 * @param {CryptoKeyPair} keys Ed25519
 * @returns {Promise<Bytes>} 64 bytes
 */
export async function signManifest(text, keys) {
  const message = concat(DOMAIN, utf8(text));
  return withEd25519(async () => new Uint8Array(await subtle().sign("Ed25519", keys.privateKey, message)));
}

/**
 * The manifest, once its own seller key proved to have signed this very text. That the key is the right
 * one, only the metadata says: see {@link checkOffer}.
 * @param {string} text
 * @param {string} signature b64u, 64 bytes
 * @returns {Promise<Manifest>}
 * @throws {SealingError} invalid_manifest, unsupported_browser
 */
export async function verifyManifest(text, signature) {
  const manifest = parseManifest(text);
  const signed = raw(signature, 64, "signature");
  const valid = await withEd25519(async () => {
    const key = await subtle().importKey("raw", manifest.sellerKey, "Ed25519", false, ["verify"]);
    return subtle().verify("Ed25519", key, signed, concat(DOMAIN, utf8(text)));
  });
  if (!valid) throw invalid("the signature is not the seller's");
  return manifest;
}

/**
 * @param {Manifest} manifest from {@link verifyManifest}
 * @param {Bytes} sealedMeta the metadata as they came
 * @throws {SealingError} invalid_manifest
 */
export async function checkMetaHash(manifest, sealedMeta) {
  if (!same(manifest.metaHash, await sha256(sealedMeta))) throw invalid("the metadata is not the signed one");
}

/**
 * What a buyer's client checks before paying, beside the signature (docs/protocol.md §5).
 * @param {Manifest} manifest from {@link verifyManifest}
 * @param {{fileId: string, priceSat: number, metadata: {sellerKey: Bytes, size: number}}} offer
 *   the file id of the link (b64u), the invoice's amount, and the metadata
 * @throws {SealingError} invalid_manifest
 */
export function checkOffer(manifest, { fileId, priceSat, metadata }) {
  if (!same(manifest.fileId, unb64u(fileId, 16))) throw invalid("the manifest is of another file");
  if (!same(manifest.sellerKey, metadata.sellerKey)) throw invalid("someone else signed the manifest");
  if (manifest.priceSat !== priceSat) throw invalid("the price is not the signed one");
  if (plainSize(manifest.sealedSize) !== metadata.size) throw invalid("the sizes do not fit");
}

/**
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
async function withEd25519(work) {
  try {
    return await work();
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (name === "NotSupportedError") throw new SealingError("unsupported_browser", "WebCrypto lacks Ed25519 here");
    if (name === "DataError") throw invalid("the seller key is no Ed25519 key");
    throw error;
  }
}
