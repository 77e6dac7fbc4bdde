/**
 * Uploading a sealed file by tus 1.0.0 and listing it (docs/protocol.md §7, Seller). Any break is answered by
 * asking where the upload stands (HEAD) and going on from there; memory is two pieces.
 */

import { b64u, concat } from "../sealing/bytes.js";
import { HEADER_SIZE } from "../sealing/cobblestone.js";
import { GatewayError } from "../sealing/errors.js";
import { GROUP_SIZE, groupOffset } from "../sealing/hash-groups.js";
import { Backoff } from "./backoff.js";
import { call } from "./http.js";

/** @typedef {import("../sealing/bytes.js").Bytes} Bytes */
/** @typedef {import("./http.js").Connection} Connection */
/**
 * @typedef {{size: number, read(start: number, end: number): Promise<Bytes>}} Source sealed bytes, as SealedFile has them
 */
/**
 * @typedef {object} UploadOptions
 * @property {number} [pieceSize] bytes per request, rounded to whole groups of 1 049 600 unless it is less; 4 MiB.
 *   Where a proxy refuses bodies of that size, the pieces become smaller by themselves
 * @property {boolean} [resume] ask first where an earlier upload of this id stands
 * @property {(sealedBytes: number, totalBytes: number) => void} [onProgress] bytes that the gateway has
 * @property {Backoff} [backoff]
 */
/**
 * What POST /listings takes, raw.
 * @typedef {{manifest: string, signature: Bytes, groups: Bytes[], sealedMeta: Bytes, sealedPreview: Bytes | null,
 *   gatewayShare: Bytes}} ListingParts
 */
/** @typedef {{file_id: string, price_sat: number, sealed_size: number, created_at: number, path: string}} Listing */

/** A proxy that takes even smaller bodies is told of, not worked around. */
const SMALLEST_PIECE = 64 * 1024;

const TUS = { "Tus-Resumable": "1.0.0" };

/**
 * Brings every sealed byte to the gateway.
 * @param {Connection} link with the seller token
 * @param {string} fileId b64u
 * @param {Source} source
 * @param {UploadOptions} [options]
 * @throws {GatewayError} when the network stays broken or the gateway refuses
 */
export async function upload(link, fileId, source, options = {}) {
  const { onProgress = () => {}, backoff = new Backoff({ signal: link.signal }) } = options;
  let { pieceSize = 4 << 20 } = options;
  let offset = await backoff.insist(() => begin(link, fileId, source.size, options.resume ?? false));
  onProgress(offset, source.size);
  let piece = nextPiece(source, offset, pieceSize);
  while (offset < source.size) {
    const bytes = await piece;
    // The next piece is sealed while this one travels.
    piece = nextPiece(source, offset + bytes.length, pieceSize);
    const reached = await send(link, fileId, offset, bytes, backoff).catch(unlessRefused);
    if (reached === null) {
      pieceSize = smaller(bytes.length, backoff);
      piece = nextPiece(source, offset, pieceSize);
      continue;
    }
    if (reached !== offset + bytes.length) piece = nextPiece(source, reached, pieceSize);
    offset = reached;
    onProgress(offset, source.size);
  }
}

/**
 * A body that something before the gateway refused for its size: null.
 * @param {unknown} error
 */
function unlessRefused(error) {
  if (error instanceof GatewayError && error.code === "body_refused") return null;
  throw error;
}

/**
 * @param {number} refused bytes
 * @param {Backoff} backoff
 * @returns {number} bytes to try next
 * @throws {GatewayError} body_refused
 */
function smaller(refused, backoff) {
  if (refused <= SMALLEST_PIECE) throw new GatewayError("body_refused", "a proxy takes no body of this size", { status: 413 });
  backoff.onRetry({ attempt: 1, waitMs: 0, code: "body_refused" });
  return Math.max(Math.floor(refused / 4), SMALLEST_PIECE);
}

/**
 * The bytes from `offset` to the end of a group, so that no group is sealed twice; less where pieces are smaller.
 * @param {Source} source
 * @param {number} offset
 * @param {number} pieceSize
 * @returns {Promise<Bytes>}
 */
function nextPiece(source, offset, pieceSize) {
  const groups = Math.max(1, Math.floor(pieceSize / GROUP_SIZE));
  const first = Math.max(0, Math.floor((offset - HEADER_SIZE) / GROUP_SIZE));
  const end = Math.min(groupOffset(first + groups), pieceSize < GROUP_SIZE ? offset + pieceSize : source.size, source.size);
  const piece = source.read(offset, end);
  // It may fail while the piece before it still travels; whoever awaits it hears of it.
  piece.catch(() => {});
  return piece;
}

/**
 * Creates the upload, or finds where it stands.
 * @param {Connection} link
 * @param {string} fileId
 * @param {number} size
 * @param {boolean} resume
 * @returns {Promise<number>} offset in bytes
 */
async function begin(link, fileId, size, resume) {
  if (resume) {
    const offset = await standing(link, fileId, size).catch(unlessStatus(404));
    if (offset !== null) return offset;
  }
  const metadata = `file_id ${btoa(fileId)}`;
  const headers = { ...TUS, "Upload-Length": String(size), "Upload-Metadata": metadata };
  // A taken id is ours if the answer to an earlier attempt was lost: ids are 16 random bytes.
  const created = await call(link, "POST", "/uploads", { headers }).catch(unlessStatus(409));
  return created ? 0 : standing(link, fileId, size);
}

/** @param {number} status that means "no" rather than failure */
function unlessStatus(status) {
  return (/** @type {unknown} */ error) => {
    if (error instanceof GatewayError && error.status === status) return null;
    throw error;
  };
}

/**
 * @param {Connection} link
 * @param {string} fileId
 * @param {number} size
 */
async function standing(link, fileId, size) {
  const { headers } = await call(link, "HEAD", `/uploads/${fileId}`, { headers: TUS });
  if (Number(headers.get("Upload-Length")) !== size) throw new GatewayError("upload_exists", "another upload has this id");
  return offsetOf(headers);
}

/**
 * How far an unfinished upload is, and until when it is kept; null where there is none any more.
 * @param {Connection} link
 * @param {string} fileId
 * @returns {Promise<{offset: number, length: number, keptUntil: number} | null>} bytes; Unix seconds
 */
export async function progressOf(link, fileId) {
  const found = await call(link, "HEAD", `/uploads/${fileId}`, { headers: TUS }).catch(unlessStatus(404));
  if (!found) return null;
  const keptUntil = Math.floor(Date.parse(found.headers.get("Upload-Expires") ?? "") / 1000);
  return { offset: offsetOf(found.headers), length: Number(found.headers.get("Upload-Length")), keptUntil };
}

/**
 * Whether one's own upload is a listing by now.
 * @param {Connection} link
 * @param {string} fileId
 */
export async function isListed(link, fileId) {
  return (await call(link, "HEAD", `/listings/${fileId}/bytes`).catch(unlessStatus(404))) !== null;
}

/** @param {Headers} headers */
function offsetOf(headers) {
  const text = headers.get("Upload-Offset") ?? "";
  if (/^\d+$/.test(text)) return Number(text);
  throw new GatewayError("gateway_unreachable", "the gateway does not say where the upload stands");
}

/**
 * One PATCH; after a break, where the upload really stands.
 * @param {Connection} link
 * @param {string} fileId
 * @param {number} offset
 * @param {Bytes} bytes
 * @param {Backoff} backoff
 * @returns {Promise<number>} the next offset, which may lie inside `bytes` or even before it
 */
async function send(link, fileId, offset, bytes, backoff) {
  const headers = { ...TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) };
  try {
    // As a Blob: Chromium copies an array through its IPC in small parts, at a sixth of the speed.
    const { headers: answer } = await call(link, "PATCH", `/uploads/${fileId}`, { headers, body: new Blob([bytes]) });
    backoff.progress();
    return offsetOf(answer);
  } catch (error) {
    await backoff.endure(error);
  }
  return whereNow(link, fileId, offset, backoff);
}

/**
 * Asks until there is an answer. Only bytes count as progress: a HEAD that works must not make backoff with
 * failing PATCHes endless.
 * @param {Connection} link
 * @param {string} fileId
 * @param {number} before
 * @param {Backoff} backoff
 */
async function whereNow(link, fileId, before, backoff) {
  for (;;) {
    try {
      const { headers } = await call(link, "HEAD", `/uploads/${fileId}`, { headers: TUS });
      if (offsetOf(headers) > before) backoff.progress();
      return offsetOf(headers);
    } catch (error) {
      await backoff.endure(error);
    }
  }
}

/**
 * Takes back an upload that is not listed. Best effort: the gateway clears it away in time.
 * @param {Connection} link
 * @param {string} fileId b64u
 */
export async function forget(link, fileId) {
  await call({ ...link, signal: undefined }, "DELETE", `/uploads/${fileId}`, { headers: TUS }).catch(() => {});
}

/**
 * Puts an uploaded file up for sale.
 * @param {Connection} link
 * @param {string} fileId b64u
 * @param {ListingParts} parts
 * @param {Backoff} [backoff]
 * @returns {Promise<Listing>}
 * @throws {GatewayError}
 */
export async function list(link, fileId, parts, backoff = new Backoff({ signal: link.signal })) {
  const body = JSON.stringify({
    manifest: parts.manifest,
    signature: b64u(parts.signature),
    groups: b64u(concat(...parts.groups)),
    meta: b64u(parts.sealedMeta),
    preview: parts.sealedPreview && b64u(parts.sealedPreview),
    share: b64u(parts.gatewayShare),
  });
  const headers = { "Content-Type": "application/json" };
  return backoff.insist(async () => {
    try {
      return await (await call(link, "POST", "/listings", { headers, body })).json();
    } catch (error) {
      const listed = refused(error) && (await findListing(link, fileId, parts.manifest));
      if (listed) return listed;
      throw error;
    }
  });
}

/**
 * Listed already, or no longer an upload: perhaps by us, in an attempt whose answer was lost.
 * @param {unknown} error
 */
function refused(error) {
  return error instanceof GatewayError && [404, 409].includes(error.status);
}

/**
 * @param {Connection} link
 * @param {string} fileId
 * @param {string} manifest the exact text
 * @returns {Promise<Listing | null>}
 */
async function findListing(link, fileId, manifest) {
  const listing = await call(link, "GET", `/files/${fileId}`).catch(unlessStatus(404));
  if (!listing || (await listing.json()).manifest !== manifest) return null;
  const { listings } = await (await call(link, "GET", "/listings")).json();
  return listings.find((/** @type {Listing} */ listing) => listing.file_id === fileId) ?? null;
}
