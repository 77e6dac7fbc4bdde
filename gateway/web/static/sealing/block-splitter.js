/** Cuts pieces of any size into blocks of one size, keeping less than one block between calls. */

/** @typedef {import("./bytes.js").Bytes} Bytes */

export class Cutter {
  #size;
  #want;
  /** @type {Bytes} */
  #block;
  #filled = 0;

  /**
   * @param {number} size bytes of each block
   * @param {number} [first] bytes of the first block, where that differs
   */
  constructor(size, first = size) {
    this.#size = size;
    this.#want = first;
    this.#block = new Uint8Array(first);
  }

  /**
   * The blocks that `piece` completes; each is the caller's to keep.
   * @param {Bytes} piece
   * @returns {Generator<Bytes, void, void>}
   */
  *whole(piece) {
    for (let at = 0; at < piece.length; ) {
      const part = piece.subarray(at, at + this.#want - this.#filled);
      this.#block.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#want) yield this.#take();
    }
  }

  /** What is left at the end: less than one block. */
  rest() {
    return this.#block.subarray(0, this.#filled);
  }

  #take() {
    const full = this.#block;
    this.#want = this.#size;
    this.#block = new Uint8Array(this.#size);
    this.#filled = 0;
    return full;
  }
}
