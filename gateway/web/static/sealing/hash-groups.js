/**
 * Hashes over groups of 64 sealed chunks, so that bytes are checked while they arrive (docs/protocol.md §5).
 *
 *     group g    = sealed[56 + g·1049600 : 56 + (g+1)·1049600]
 *     group_root = SHA-256("bitcache/v1 groups" ‖ group hash 0 ‖ group hash 1 ‖ …)
 */

import { concat, same, utf8 } from "./bytes.js";
import { HEADER_SIZE, SEALED_BATCH_SIZE } from "./chunk-cipher.js";
import { sha256 } from "./webcrypto.js";
import { invalid } from "./strict-json.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */

/** Sealed bytes of a full group; the same 64 chunks that are sealed at once. */
export const GROUP_SIZE = SEALED_BATCH_SIZE;
const HASH_SIZE = 32;

/** @param {number} sealedSize bytes */
export function groupCount(sealedSize) {
  return Math.ceil((sealedSize - HEADER_SIZE) / GROUP_SIZE);
}

/**
 * @param {number} group
 * @returns {number} where it starts, in bytes of the sealed file; downloads resume there
 */
export function groupOffset(group) {
  return HEADER_SIZE + group * GROUP_SIZE;
}

/**
 * @param {Bytes[]} hashes
 * @returns {Promise<Bytes>} the root that the manifest signs
 */
export async function groupRoot(hashes) {
  return sha256(concat(utf8("bitcache/v1 groups"), ...hashes));
}

/**
 * The list as it travels, checked against the signed root.
 * @param {Bytes} bytes the concatenated hashes
 * @param {{sealedSize: number, groupRoot: Bytes}} manifest
 * @returns {Promise<Bytes[]>}
 * @throws {import("./errors.js").SealingError} invalid_manifest
 */
export async function parseGroups(bytes, manifest) {
  const count = groupCount(manifest.sealedSize);
  const hashes = Array.from({ length: count }, (_, g) => bytes.slice(g * HASH_SIZE, (g + 1) * HASH_SIZE));
  const fits = bytes.length === count * HASH_SIZE && same(await groupRoot(hashes), manifest.groupRoot);
  if (!fits) throw invalid("the group hashes are not the signed ones");
  return hashes;
}
