/**
 * What the link alone shows: title, name, type and size, and the free preview (docs/protocol.md §4).
 * Both are sealed as small containers under keys of the link share, so the operator reads neither.
 */

import { b64u, concat, fromUtf8, utf8 } from "./bytes.js";
import { ChunkCipher, MAX_PLAIN_SIZE, openStream, sealStream, sealedSize } from "./cobblestone.js";
import { cleanDescription, cleanTitle, safeName } from "./safe-name.js";
import { context, metaKey, newSalt, previewKey } from "./key-derivation.js";
import { invalid, number, parseObject, raw } from "./strict-json.js";

/** @typedef {import("./bytes.js").Bytes} Bytes */
/**
 * `type` is a media type, informative only; `size` is the content's, in bytes; `sellerKey` is Ed25519, 32 bytes.
 * `description` is limited Markdown of several lines, `contact` one line on who sells and how to reach them; both may be empty.
 * @typedef {{title: string, name: string, type: string, size: number, sellerKey: Bytes, description?: string, contact?: string}} Metadata
 */
/** @typedef {{mediaType: string, content: Bytes}} Preview the seller's free sample */
/** @typedef {{linkShare: Bytes, fileId: Bytes}} LinkParts what a link holds, as raw bytes */

export const MAX_METADATA = 16 * 1024;
export const MAX_PREVIEW = 256 * 1024;
export const PREVIEW_TYPES = ["image/png", "image/jpeg", "image/webp", "text/plain"];

/** @type {Record<string, import("./strict-json.js").MemberType>} */
const MEMBERS = { v: "number", title: "string", name: "string", type: "string", size: "number", seller_key: "string" };
/** Left out where they say nothing. @type {Record<string, import("./strict-json.js").MemberType>} */
const OPTIONAL = { description: "string", contact: "string" };

/**
 * The JSON that is sealed, its title cleaned and its file name made safe.
 * @param {Metadata} metadata
 * @returns {string}
 * @throws {SealingError} invalid_name, invalid_manifest
 */
export function metadataText(metadata) {
  const [description, contact] = [cleanDescription(metadata.description ?? ""), cleanContact(metadata.contact ?? "")];
  return JSON.stringify({
    v: 1,
    title: cleanTitle(metadata.title),
    name: safeName(metadata.name),
    type: mediaType(metadata.type),
    size: number(metadata.size, 0, MAX_PLAIN_SIZE, "size"),
    seller_key: b64u(metadata.sellerKey),
    ...(description && { description }),
    ...(contact && { contact }),
  });
}

/**
 * @param {string} text
 * @returns {Metadata}
 * @throws {SealingError} invalid_name, invalid_manifest
 */
export function parseMetadata(text) {
  const members = parseObject(text, MEMBERS, OPTIONAL);
  number(members.v, 1, 1, "version");
  return {
    title: cleanTitle(members.title),
    name: safeName(members.name),
    type: mediaType(members.type),
    size: number(members.size, 0, MAX_PLAIN_SIZE, "size"),
    sellerKey: raw(members.seller_key, 32, "seller_key"),
    description: cleanDescription(members.description ?? ""),
    contact: cleanContact(members.contact ?? ""),
  };
}

/** @param {string} text */
const cleanContact = (text) => (text === "" ? "" : cleanTitle(text));

/**
 * @param {Metadata} metadata
 * @param {LinkParts} link
 * @param {Bytes} [salt] 24 bytes; never the same for two texts
 * @returns {Promise<Bytes>}
 * @throws {SealingError} invalid_name, invalid_manifest
 */
export async function sealMetadata(metadata, link, salt = newSalt()) {
  const plain = utf8(metadataText(metadata));
  if (plain.length > MAX_METADATA) throw invalid("the metadata is over 16 KiB");
  return sealSmall(await metaKey(link.linkShare, link.fileId), context("meta", link.fileId), salt, plain);
}

/**
 * @param {Bytes} sealed
 * @param {LinkParts} link
 * @returns {Promise<Metadata>}
 * @throws {SealingError} as {@link openStream} (a wrong link is `wrong_key`), invalid_name, invalid_manifest
 */
export async function openMetadata(sealed, link) {
  const key = await metaKey(link.linkShare, link.fileId);
  return parseMetadata(text(await openSmall(key, context("meta", link.fileId), sealed, MAX_METADATA)));
}

/**
 * @param {Preview} preview
 * @param {LinkParts} link
 * @param {Bytes} [salt] 24 bytes; never the same for two previews
 * @returns {Promise<Bytes>}
 * @throws {SealingError} invalid_manifest, for its type or size
 */
export async function sealPreview(preview, link, salt = newSalt()) {
  const { mediaType: type, content } = checkPreview(preview);
  const key = await previewKey(link.linkShare, link.fileId);
  return sealSmall(key, context("preview", link.fileId), salt, concat(utf8(`${type}\n`), content));
}

/**
 * @param {Bytes} sealed
 * @param {LinkParts} link
 * @returns {Promise<Preview>}
 * @throws {SealingError} as {@link openStream}, invalid_manifest
 */
export async function openPreview(sealed, link) {
  const key = await previewKey(link.linkShare, link.fileId);
  const plain = await openSmall(key, context("preview", link.fileId), sealed, MAX_PREVIEW + 32);
  const end = plain.indexOf(0x0a);
  if (end < 0) throw invalid("the preview has no media type");
  return checkPreview({ mediaType: text(plain.subarray(0, end)), content: plain.slice(end + 1) });
}

/** @param {Preview} preview */
function checkPreview(preview) {
  if (!PREVIEW_TYPES.includes(preview.mediaType)) throw invalid("a preview is PNG, JPEG, WebP or plain text");
  if (preview.content.length > MAX_PREVIEW) throw invalid("the preview is over 256 KiB");
  if (preview.mediaType === "text/plain") text(preview.content);
  return preview;
}

/** @param {string} type */
function mediaType(type) {
  if (/^[\x20-\x7e]{0,127}$/.test(type)) return type;
  throw invalid("the media type is malformed");
}

/** @param {Bytes} bytes */
function text(bytes) {
  try {
    return fromUtf8(bytes);
  } catch {
    throw invalid("the text is not UTF-8");
  }
}

/**
 * @param {Bytes} key
 * @param {Bytes} where
 * @param {Bytes} salt
 * @param {Bytes} plain
 */
async function sealSmall(key, where, salt, plain) {
  return join(sealStream(await ChunkCipher.derive(key, where, salt), [plain]));
}

/**
 * @param {Bytes} key
 * @param {Bytes} where
 * @param {Bytes} sealed
 * @param {number} limit bytes of content
 */
async function openSmall(key, where, sealed, limit) {
  if (sealed.length > sealedSize(limit)) throw invalid("the sealed metadata or preview is too large");
  return join(openStream(key, where, [sealed]));
}

/** @param {AsyncIterable<Bytes>} source */
async function join(source) {
  const parts = [];
  for await (const part of source) parts.push(part);
  return concat(...parts);
}
