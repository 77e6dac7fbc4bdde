/**
 * The container, Cobblestone-128 (docs/protocol.md §3):
 *
 *     sealed = salt (24) ‖ commitment (32) ‖ chunk 0 ‖ chunk 1 ‖ … ‖ final chunk
 *
 * {@link sealStream} and {@link openStream} take pieces of any size and hold one batch (1 MiB);
 * {@link openRange} opens a part of a stored file. A stream alone cannot tell a cut or
 * extended final chunk from a changed one (both are `tampered`): give `sealedSize` where the manifest tells
 * it, and `truncated` and `trailing_bytes` are exact.
 */

import {
  BATCH_CHUNKS,
  BATCH_SIZE,
  CHUNK_SIZE,
  ChunkCipher,
  HEADER_SIZE,
  SEALED_BATCH_SIZE,
  SEALED_CHUNK_SIZE,
  TAG_SIZE,
} from "./chunk-cipher.js";
import { Cutter } from "./block-splitter.js";
import { SealingError } from "./errors.js";

export { BATCH_CHUNKS, BATCH_SIZE, CHUNK_SIZE, ChunkCipher, HEADER_SIZE, SEALED_CHUNK_SIZE, TAG_SIZE };

/** @typedef {import("./bytes.js").Bytes} Bytes */
/** @typedef {AsyncIterable<Bytes> | Iterable<Bytes>} Pieces bytes in order, cut anywhere */
/** @typedef {(start: number, end: number) => Promise<Bytes>} Reader reads bytes [start, end) of something stored */

/** Largest content the specification allows, in bytes; exact in a JavaScript number. */
export const MAX_PLAIN_SIZE = 2 ** 52;

/**
 * @param {number} plain bytes of content
 * @returns {number} bytes of the sealed file
 */
export function sealedSize(plain) {
  return HEADER_SIZE + plain + TAG_SIZE * (Math.floor(plain / CHUNK_SIZE) + 1);
}

/**
 * @param {number} sealed bytes of the sealed file
 * @returns {number} bytes of content
 * @throws {SealingError} not_sealed, for a length that no sealed file has
 */
export function plainSize(sealed) {
  const full = Math.floor((sealed - HEADER_SIZE) / SEALED_CHUNK_SIZE);
  const plain = sealed - HEADER_SIZE - TAG_SIZE * (full + 1);
  if (Number.isSafeInteger(sealed) && plain >= full * CHUNK_SIZE && full >= 0 && plain <= MAX_PLAIN_SIZE) return plain;
  throw new SealingError("not_sealed", "no sealed file has this length");
}

/**
 * @param {number} index
 * @returns {number} where sealed chunk `index` starts, in bytes of the sealed file
 */
export function chunkOffset(index) {
  return HEADER_SIZE + SEALED_CHUNK_SIZE * index;
}

/**
 * Seals a stream. The pair (key, salt) of `cipher` must never seal two different plaintexts.
 * @param {ChunkCipher} cipher
 * @param {Pieces} plain
 * @returns {AsyncGenerator<Bytes, void, void>} the header, then batches of 64 chunks
 */
export async function* sealStream(cipher, plain) {
  yield cipher.header;
  const cutter = new Cutter(BATCH_SIZE);
  let index = 0;
  for await (const piece of plain) {
    for (const batch of cutter.whole(piece)) {
      yield await cipher.sealChunks(batch, index, false);
      index += BATCH_SIZE / CHUNK_SIZE;
    }
  }
  yield await cipher.sealChunks(cutter.rest(), index, true);
}

/**
 * Opens a stream. Only when the generator has *returned* is the content complete; each yielded piece is
 * verified, yet may be the start of a file that was cut.
 * @param {Bytes} key 16 bytes
 * @param {Bytes} context
 * @param {Pieces} sealed
 * @param {{sealedSize?: number}} [known] the size that the manifest promises
 * @returns {AsyncGenerator<Bytes, void, void>} content, up to 1 MiB at a time
 * @throws {SealingError} not_sealed, wrong_key, tampered, truncated, trailing_bytes
 */
export async function* openStream(key, context, sealed, known = {}) {
  if (known.sealedSize !== undefined) plainSize(known.sealedSize);
  const cutter = new Cutter(SEALED_BATCH_SIZE, HEADER_SIZE);
  /** @type {ChunkCipher | null} */
  let cipher = null;
  let arrived = 0;
  let position = 0;
  for await (const piece of sealed) {
    arrived += piece.length;
    if (arrived > (known.sealedSize ?? Infinity)) throw trailing();
    for (const block of cutter.whole(piece)) {
      if (cipher) yield* openBatch(cipher, block, position);
      else cipher = await ChunkCipher.forHeader(key, context, block);
      position += block.length;
    }
  }
  refuseShort(arrived, known.sealedSize);
  yield* openEnd(/** @type {ChunkCipher} */ (cipher), cutter.rest(), position, known.sealedSize ?? arrived);
}

/**
 * @param {number} arrived
 * @param {number} [promised]
 */
function refuseShort(arrived, promised) {
  if (arrived >= HEADER_SIZE + TAG_SIZE) return;
  if (promised === undefined) throw new SealingError("not_sealed", "no sealed file is this short");
  throw truncated();
}

/**
 * @param {ChunkCipher} cipher
 * @param {Bytes} sealed whole chunks
 * @param {number} position of `sealed` in the file
 */
async function* openBatch(cipher, sealed, position) {
  const { plain, failed } = await cipher.openChunks(sealed, (position - HEADER_SIZE) / SEALED_CHUNK_SIZE);
  if (plain.length > 0) yield plain;
  if (failed !== null) throw new SealingError("tampered", `chunk ${failed} is not what was sealed`);
}

/**
 * The last, incomplete batch: a missing end is said before a cut chunk is called tampered.
 * @param {ChunkCipher} cipher
 * @param {Bytes} rest
 * @param {number} position
 * @param {number} expected bytes of the whole sealed file
 */
async function* openEnd(cipher, rest, position, expected) {
  const final = rest.length % SEALED_CHUNK_SIZE;
  const lost = position + rest.length < expected || final < TAG_SIZE;
  yield* openBatch(cipher, lost ? rest.subarray(0, rest.length - final) : rest, position);
  if (lost) throw truncated();
}

const truncated = () => new SealingError("truncated", "the bytes end before the final chunk");
const trailing = () => new SealingError("trailing_bytes", "the bytes go on after the final chunk");

/**
 * Opens bytes [start, end) of the content, reading only their chunks and the final one, which is always
 * verified first: it alone proves the length.
 * @param {Bytes} key
 * @param {Bytes} context
 * @param {Reader} read reads sealed bytes
 * @param {number} size bytes of the sealed file
 * @param {number} start
 * @param {number} end exclusive
 * @returns {AsyncGenerator<Bytes, void, void>}
 * @throws {SealingError} not_sealed, wrong_key, tampered, truncated
 * @throws {RangeError} for a range outside the content
 */
export async function* openRange(key, context, read, size, start, end) {
  const plain = plainSize(size);
  if (!(start >= 0 && start <= end && end <= plain)) throw new RangeError("the range lies outside the file");
  const cipher = await ChunkCipher.forHeader(key, context, await readWhole(read, 0, HEADER_SIZE));
  const last = chunkOffset(Math.floor(plain / CHUNK_SIZE));
  for await (const _ of openBatch(cipher, await readWhole(read, last, size), last));
  for (let at = start; at < end; ) {
    const first = Math.floor(at / CHUNK_SIZE);
    const until = Math.min(first * CHUNK_SIZE + BATCH_SIZE, end);
    const offset = chunkOffset(first);
    const sealed = await readWhole(read, offset, Math.min(chunkOffset(Math.ceil(until / CHUNK_SIZE)), size));
    for await (const content of openBatch(cipher, sealed, offset)) {
      yield content.subarray(at - first * CHUNK_SIZE, until - first * CHUNK_SIZE);
    }
    at = until;
  }
}

/**
 * @param {Reader} read
 * @param {number} start
 * @param {number} end
 */
async function readWhole(read, start, end) {
  const bytes = await read(start, end);
  if (bytes.length === end - start) return bytes;
  throw truncated();
}
