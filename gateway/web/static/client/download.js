/**
 * Downloading sealed bytes into a store, each group checked against the signed manifest before it is kept, so that
 * what is kept is always right and a broken download goes on where it stopped (docs/protocol.md §5 and §7, Buyer).
 */

import { concat, same } from "../sealing/bytes.js";
import { HEADER_SIZE } from "../sealing/cobblestone.js";
import { Cutter } from "../sealing/block-splitter.js";
import { GatewayError, SealingError } from "../sealing/errors.js";
import { GROUP_SIZE, groupOffset, parseGroups } from "../sealing/hash-groups.js";
import { Backoff } from "./backoff.js";
import { answered, call } from "./http.js";
import { sha256 } from "../sealing/webcrypto.js";

/** @typedef {import("../sealing/bytes.js").Bytes} Bytes */
/** @typedef {import("./http.js").Connection} Connection */
/** @typedef {import("./file-stores.js").Store} Store */
/** @typedef {import("../sealing/manifest.js").Manifest} Manifest */
/**
 * @typedef {object} DownloadOptions
 * @property {(sealedBytes: number, totalBytes: number) => void} [onProgress] bytes here, proven or still arriving
 * @property {Backoff} [backoff]
 * @property {number} [stallMs] silence after which a connection counts as broken; 30 s
 */

/**
 * The signed hashes of all groups.
 * @param {Connection} link with the claim secret
 * @param {string} fileId b64u
 * @param {Manifest} manifest verified
 * @param {Backoff} [backoff]
 * @returns {Promise<Bytes[]>}
 * @throws {SealingError} invalid_manifest, when they are not the signed ones
 */
export async function fetchGroups(link, fileId, manifest, backoff = new Backoff({ signal: link.signal })) {
  const buffer = await backoff.insist(async () => {
    const response = await call(link, "GET", `/files/${fileId}/groups`);
    return answered(response.arrayBuffer());
  });
  return parseGroups(new Uint8Array(buffer), manifest);
}

/** Receives sealed bytes in order and keeps only proven ones: the header, then whole groups. */
export class GroupKeeper {
  /**
   * @param {Store} store
   * @param {Manifest} manifest
   * @param {Bytes[]} hashes
   */
  constructor(store, manifest, hashes) {
    this.store = store;
    this.manifest = manifest;
    this.hashes = hashes;
    this.arrived = 0;
    this.#cutter = new Cutter(GROUP_SIZE, HEADER_SIZE);
  }

  #cutter;

  /** Checks what an earlier session left, and drops everything from the first byte that is not proven. */
  async resume() {
    this.store.truncate(await this.#proven());
    this.#restart();
  }

  /** Reads everything again: whether all of it, on this disk, is what the seller signed. */
  async isProven() {
    return (await this.#proven()) === this.manifest.sealedSize;
  }

  /** @returns {Promise<number>} bytes from the start that are what the seller signed */
  async #proven() {
    const stored = this.store.size();
    if (stored < HEADER_SIZE || !same(await this.store.read(0, HEADER_SIZE), this.manifest.header)) return 0;
    let proven = HEADER_SIZE;
    for (let g = 0; proven < stored && proven === groupOffset(g); g++) proven = await this.#provenUntil(g);
    return proven;
  }

  /** @param {number} g */
  async #provenUntil(g) {
    const end = this.#end(g);
    const bytes = await this.store.read(groupOffset(g), end);
    const proven = bytes.length === end - groupOffset(g) && same(await sha256(bytes), this.hashes[g]);
    return proven ? end : groupOffset(g);
  }

  /** @param {number} g */
  #end(g) {
    return Math.min(groupOffset(g + 1), this.manifest.sealedSize);
  }

  #restart() {
    this.arrived = this.store.size();
    this.#cutter = this.arrived === 0 ? new Cutter(GROUP_SIZE, HEADER_SIZE) : new Cutter(GROUP_SIZE);
  }

  get complete() {
    return this.store.size() === this.manifest.sealedSize;
  }

  /**
   * @param {Bytes} piece the next bytes
   * @throws {SealingError} tampered, trailing_bytes
   */
  async add(piece) {
    this.arrived += piece.length;
    if (this.arrived > this.manifest.sealedSize) throw new SealingError("trailing_bytes", "more came than was signed");
    for (const block of this.#cutter.whole(piece)) await this.#keep(block);
    const rest = this.#cutter.rest();
    if (this.arrived === this.manifest.sealedSize && rest.length > 0) await this.#keep(concat(rest));
  }

  /** @param {Bytes} block the header or a group */
  async #keep(block) {
    const at = this.store.size();
    const proven = at === 0 ? same(block, this.manifest.header) : await this.#isGroup(block, at);
    if (!proven) {
      this.#restart();
      throw new SealingError("tampered", `the bytes from ${at} on are not what was sealed`);
    }
    this.store.append(block);
  }

  /**
   * @param {Bytes} block
   * @param {number} at
   */
  async #isGroup(block, at) {
    return same(await sha256(block), this.hashes[(at - HEADER_SIZE) / GROUP_SIZE]);
  }
}

/**
 * Brings the whole sealed file into the keeper's store.
 * @param {Connection} link with the claim secret
 * @param {string} fileId b64u
 * @param {GroupKeeper} keeper
 * @param {DownloadOptions} [options]
 * @throws {GatewayError | SealingError} payment_required (402), tampered, trailing_bytes, gateway_unreachable, …
 */
export async function download(link, fileId, keeper, options = {}) {
  const { onProgress = () => {}, backoff = new Backoff({ signal: link.signal }), stallMs = 30_000 } = options;
  const total = keeper.manifest.sealedSize;
  let etag = "";
  await keeper.resume();
  onProgress(keeper.arrived, total);
  while (!keeper.complete) {
    const before = keeper.arrived;
    try {
      const response = await call(link, "GET", `/files/${fileId}/bytes`, { headers: rangeHeaders(before, etag) });
      etag = response.headers.get("ETag") ?? "";
      for await (const piece of body(response, before, stallMs)) {
        await keeper.add(piece);
        onProgress(keeper.arrived, total);
      }
      if (!keeper.complete) throw new GatewayError("gateway_unreachable", "the connection ended early");
    } catch (error) {
      if (keeper.arrived > before) backoff.progress();
      await backoff.endure(error);
    }
  }
}

/**
 * @param {number} from
 * @param {string} etag of an earlier answer; weak ones cannot guard a range (RFC 9110 §13.1.5)
 * @returns {Record<string, string>}
 */
function rangeHeaders(from, etag) {
  if (from === 0) return {};
  const range = { Range: `bytes=${from}-` };
  return etag && !etag.startsWith("W/") ? { ...range, "If-Range": etag } : range;
}

/**
 * The body's bytes from offset `from` on. A gateway that answers with the whole file (200) is read from its start.
 * @param {Response} response
 * @param {number} from
 * @param {number} stallMs
 * @returns {AsyncGenerator<Bytes, void, void>}
 */
async function* body(response, from, stallMs) {
  let skip = response.status === 206 ? 0 : from;
  if (response.status === 206 && !response.headers.get("Content-Range")?.startsWith(`bytes ${from}-`)) {
    throw new GatewayError("gateway_unreachable", "the gateway sent another range than asked for");
  }
  const reader = /** @type {ReadableStream<Bytes>} */ (response.body).getReader();
  try {
    for (;;) {
      const { done, value } = await answered(reader.read(), stallMs);
      if (done) return;
      const piece = value.subarray(Math.min(skip, value.length));
      skip -= value.length - piece.length;
      if (piece.length > 0) yield piece;
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

