/**
 * The two shares, the keys they make and the contexts those keys seal under (docs/protocol.md §1-3).
 * The link share A opens metadata and preview; only A and the gateway share B together open the file.
 * Everything here is raw bytes; links and messages spell them in b64u.
 */

import { b64u, concat, utf8 } from "./bytes.js";
import { SealingError } from "./errors.js";
import { hkdfSha256, randomBytes, sha256 } from "./webcrypto.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {"file" | "meta" | "preview"} Kind what a key opens */

export const FILE_ID_SIZE = 16;
export const LINK_SHARE_SIZE = 16;
export const GATEWAY_SHARE_SIZE = 32;
export const SALT_SIZE = 24;
export const CLAIM_SIZE = 32;

export const newFileId = () => randomBytes(FILE_ID_SIZE);
export const newLinkShare = () => randomBytes(LINK_SHARE_SIZE);
export const newGatewayShare = () => randomBytes(GATEWAY_SHARE_SIZE);
export const newSalt = () => randomBytes(SALT_SIZE);

/** @returns {string} a fresh claim secret C, in b64u: the buyer's right to what was paid */
export const newClaim = () => b64u(randomBytes(CLAIM_SIZE));

/**
 * K, from both shares.
 * @param {Bytes} linkShare 16 bytes
 * @param {Bytes} gatewayShare 32 bytes
 * @param {Bytes} fileId 16 bytes
 * @returns {Promise<Bytes>} 16 bytes
 */
export async function fileKey(linkShare, gatewayShare, fileId) {
  check(gatewayShare, GATEWAY_SHARE_SIZE);
  return derive(concat(check(linkShare, LINK_SHARE_SIZE), gatewayShare), fileId, "file");
}

/**
 * K_meta, from the link share alone.
 * @param {Bytes} linkShare
 * @param {Bytes} fileId
 */
export async function metaKey(linkShare, fileId) {
  return derive(check(linkShare, LINK_SHARE_SIZE), fileId, "meta");
}

/**
 * K_preview, from the link share alone.
 * @param {Bytes} linkShare
 * @param {Bytes} fileId
 */
export async function previewKey(linkShare, fileId) {
  return derive(check(linkShare, LINK_SHARE_SIZE), fileId, "preview");
}

/**
 * The context of a container of that kind.
 * @param {Kind} kind
 * @param {Bytes} fileId
 * @returns {Bytes}
 */
export function context(kind, fileId) {
  return concat(utf8(`bitcache/v1 ${kind}\0`), check(fileId, FILE_ID_SIZE));
}

/**
 * What the manifest promises about the gateway share.
 * @param {Bytes} gatewayShare
 * @returns {Promise<Bytes>} 32 bytes
 */
export async function shareHash(gatewayShare) {
  return sha256(concat(utf8("bitcache/v1 share"), check(gatewayShare, GATEWAY_SHARE_SIZE)));
}

/**
 * All that the gateway learns of a claim secret when a purchase is made.
 * @param {Bytes} claim 32 bytes
 * @returns {Promise<Bytes>} 32 bytes
 */
export async function claimHash(claim) {
  return sha256(concat(utf8("bitcache/v1 claim"), check(claim, CLAIM_SIZE)));
}

/**
 * @param {Bytes} material
 * @param {Bytes} fileId
 * @param {Kind} kind
 */
function derive(material, fileId, kind) {
  return hkdfSha256(material, check(fileId, FILE_ID_SIZE), utf8(`bitcache/v1 ${kind}`), 16);
}

/**
 * @param {Bytes} bytes
 * @param {number} length
 */
function check(bytes, length) {
  if (bytes.length === length) return bytes;
  throw new SealingError("invalid_identifier", `${length} bytes are needed here`);
}
