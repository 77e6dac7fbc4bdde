/**
 * Where sealed and opened bytes lie while a buyer's client works: the origin private file system, which may hold
 * more than memory and outlives a reload, or memory where that is missing or denied (some private windows).
 */

import { concat } from "../sealing/bytes.js";

/** @typedef {import("../sealing/bytes.js").Bytes} Bytes */
/**
 * @typedef {object} Store bytes that grow at the end
 * @property {boolean} lasting whether they outlive the page
 * @property {() => number} size
 * @property {(bytes: Bytes) => void} append
 * @property {(start: number, end: number) => Promise<Bytes>} read
 * @property {(size: number) => void} truncate to at most what is there
 * @property {() => Promise<Blob>} finish the content as one Blob; nothing may be appended after
 * @property {() => void} release for the next one who opens it; what is there stays
 * @property {() => Promise<void>} remove everything, for good
 */

const FOLDER = "bitcache";
const DAY = 86_400_000;
/** How long files of unfinished or unsaved purchases are kept, in milliseconds. */
const KEPT = { sealed: 7 * DAY, plain: DAY };

/** Stores of this worker's life, so that trying again goes on even without a file system. @type {Map<string, Store>} */
const inMemory = new Map();

/**
 * The best store that this browser gives; what an earlier session left under `name` is in it.
 * @param {string} name
 * @returns {Promise<Store>}
 * @throws {DOMException} NoModificationAllowedError when another tab holds it
 */
export async function openStore(name) {
  try {
    return await OpfsStore.open(name);
  } catch (error) {
    if (error instanceof Error && error.name === "NoModificationAllowedError") throw error;
    const store = inMemory.get(name) ?? new MemoryStore();
    inMemory.set(name, store);
    return store;
  }
}

/**
 * Removes what earlier sessions left behind for too long; what another tab uses stays.
 * @param {number} now milliseconds since 1970
 */
export async function sweep(now) {
  const folder = await openFolder().catch(() => null);
  for await (const entry of folder?.values() ?? []) {
    if (!(entry instanceof FileSystemFileHandle)) continue;
    const file = await entry.getFile().catch(() => null);
    const limit = entry.name.endsWith(".plain") ? KEPT.plain : KEPT.sealed;
    if (file && now - file.lastModified > limit) await folder?.removeEntry(entry.name).catch(() => {});
  }
}

async function openFolder() {
  const root = await navigator.storage.getDirectory();
  return root.getDirectoryHandle(FOLDER, { create: true });
}

/** A file in the origin private file system; only in a worker. @implements {Store} */
export class OpfsStore {
  lasting = true;
  #folder;
  #file;
  #handle;

  /**
   * Use {@link OpfsStore.open}.
   * @param {FileSystemDirectoryHandle} folder
   * @param {FileSystemFileHandle} file
   * @param {FileSystemSyncAccessHandle} handle
   */
  constructor(folder, file, handle) {
    this.#folder = folder;
    this.#file = file;
    this.#handle = handle;
  }

  /** @param {string} name */
  static async open(name) {
    const folder = await openFolder();
    const file = await folder.getFileHandle(name, { create: true });
    return new OpfsStore(folder, file, await file.createSyncAccessHandle());
  }

  size() {
    return this.#handle.getSize();
  }

  /** @param {Bytes} bytes */
  append(bytes) {
    const at = this.size();
    if (this.#handle.write(bytes, { at }) === bytes.length) return;
    this.#handle.truncate(at);
    throw new DOMException("the disk is full", "QuotaExceededError");
  }

  /**
   * @param {number} start
   * @param {number} end
   */
  async read(start, end) {
    const bytes = new Uint8Array(Math.max(0, Math.min(end, this.size()) - start));
    return bytes.subarray(0, this.#handle.read(bytes, { at: start }));
  }

  /** @param {number} size */
  truncate(size) {
    this.#handle.truncate(size);
  }

  async finish() {
    this.#handle.flush();
    this.#handle.close();
    return this.#file.getFile();
  }

  release() {
    this.#handle.close();
  }

  async remove() {
    this.#handle.close();
    await this.#folder.removeEntry(this.#file.name);
  }
}

/** Memory, as Blobs, which browsers may move to disk. @implements {Store} */
export class MemoryStore {
  lasting = false;
  /** @type {Blob[]} */
  #parts = [];
  #size = 0;

  size() {
    return this.#size;
  }

  /** @param {Bytes} bytes */
  append(bytes) {
    this.#parts.push(new Blob([bytes]));
    this.#size += bytes.length;
  }

  /**
   * @param {number} start
   * @param {number} end
   */
  async read(start, end) {
    const pieces = [];
    let at = 0;
    for (const part of this.#parts) {
      if (at < end && at + part.size > start) pieces.push(part.slice(Math.max(0, start - at), end - at));
      at += part.size;
    }
    return concat(...(await Promise.all(pieces.map(async (part) => new Uint8Array(await part.arrayBuffer())))));
  }

  /** @param {number} size */
  truncate(size) {
    this.#parts = size === 0 ? [] : [new Blob(this.#parts).slice(0, size)];
    this.#size = Math.min(size, this.#size);
  }

  async finish() {
    return new Blob(this.#parts);
  }

  release() {}

  async remove() {
    this.truncate(0);
  }
}
