/** Text to codewords: byte or alphanumeric mode, error-correction level M, versions 1 to 25. */

import { correction } from "./galois.js";

/**
 * Per version: correction codewords per block, then how many blocks there are of how many data codewords (ISO/IEC 18004,
 * table 9).
 * @type {ReadonlyArray<{correction: number, blocks: ReadonlyArray<readonly number[]>}>}
 */
const LEVEL_M = [
  { correction: 10, blocks: [[1, 16]] },
  { correction: 16, blocks: [[1, 28]] },
  { correction: 26, blocks: [[1, 44]] },
  { correction: 18, blocks: [[2, 32]] },
  { correction: 24, blocks: [[2, 43]] },
  { correction: 16, blocks: [[4, 27]] },
  { correction: 18, blocks: [[4, 31]] },
  { correction: 22, blocks: [[2, 38], [2, 39]] },
  { correction: 22, blocks: [[3, 36], [2, 37]] },
  { correction: 26, blocks: [[4, 43], [1, 44]] },
  { correction: 30, blocks: [[1, 50], [4, 51]] },
  { correction: 22, blocks: [[6, 36], [2, 37]] },
  { correction: 22, blocks: [[8, 37], [1, 38]] },
  { correction: 24, blocks: [[4, 40], [5, 41]] },
  { correction: 24, blocks: [[5, 41], [5, 42]] },
  { correction: 28, blocks: [[7, 45], [3, 46]] },
  { correction: 28, blocks: [[10, 46], [1, 47]] },
  { correction: 26, blocks: [[9, 43], [4, 44]] },
  { correction: 26, blocks: [[3, 44], [11, 45]] },
  { correction: 26, blocks: [[3, 41], [13, 42]] },
  { correction: 26, blocks: [[17, 42]] },
  { correction: 28, blocks: [[17, 46]] },
  { correction: 28, blocks: [[4, 47], [14, 48]] },
  { correction: 28, blocks: [[6, 45], [14, 46]] },
  { correction: 28, blocks: [[8, 47], [13, 48]] },
];

/** What the alphanumeric mode can write, two characters in 11 bits (ISO/IEC 18004, table 5). */
const ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/** @param {number} version */
const capacity = (version) => LEVEL_M[version - 1].blocks.reduce((total, [count, length]) => total + count * length, 0);

/**
 * A text as the shorter of two modes writes it.
 * @typedef {{mode: number, length: number, lengthBits: (version: number) => number, fields: [value: number, width: number][]}} Segment
 */

/**
 * @param {string} text
 * @returns {Segment}
 */
function segment(text) {
  const codes = [...text].map((character) => ALPHANUMERIC.indexOf(character));
  return codes.length === 0 || codes.includes(-1) ? byteSegment(text) : alphanumericSegment(codes);
}

/**
 * @param {string} text
 * @returns {Segment}
 */
function byteSegment(text) {
  const bytes = [...new TextEncoder().encode(text)];
  return { mode: 0b0100, length: bytes.length, lengthBits: (version) => (version < 10 ? 8 : 16), fields: bytes.map((byte) => [byte, 8]) };
}

/**
 * @param {number[]} codes
 * @returns {Segment}
 */
function alphanumericSegment(codes) {
  /** @type {[number, number][]} */
  const fields = [];
  for (let at = 0; at < codes.length; at += 2) {
    fields.push(at + 1 < codes.length ? [45 * codes[at] + codes[at + 1], 11] : [codes[at], 6]);
  }
  return { mode: 0b0010, length: codes.length, lengthBits: (version) => (version < 10 ? 9 : 11), fields };
}

/**
 * The smallest version that holds a text.
 * @param {string} text
 * @returns {number}
 * @throws {RangeError} above version 25 (997 bytes)
 */
export function versionFor(text) {
  const { lengthBits, fields } = segment(text);
  const width = fields.reduce((total, [, bits]) => total + bits, 0);
  const index = LEVEL_M.findIndex((_, at) => 4 + lengthBits(at + 1) + width <= 8 * capacity(at + 1));
  if (index < 0) throw new RangeError("too long for a QR code of version 25");
  return index + 1;
}

/**
 * @param {string} text
 * @param {number} version
 * @returns {number[]} data codewords, padded to what the version holds
 */
function dataCodewords(text, version) {
  /** @type {number[]} */
  const bits = [];
  /** @type {(value: number, width: number) => void} */
  const put = (value, width) => {
    for (let bit = width - 1; bit >= 0; bit--) bits.push((value >> bit) & 1);
  };
  const { mode, length, lengthBits, fields } = segment(text);
  put(mode, 4);
  put(length, lengthBits(version));
  fields.forEach(([value, width]) => put(value, width));
  const room = capacity(version) * 8;
  put(0, Math.min(4, room - bits.length));
  put(0, -bits.length & 7);
  for (let pad = 0xec; bits.length < room; pad ^= 0xec ^ 0x11) put(pad, 8);
  return octets(bits);
}

/** @param {number[]} bits */
function octets(bits) {
  return Array.from({ length: bits.length / 8 }, (_, at) => Number.parseInt(bits.slice(8 * at, 8 * at + 8).join(""), 2));
}

/**
 * Takes the first of every block, then the second, and so on.
 * @param {number[][]} blocks
 */
function interleaved(blocks) {
  const longest = Math.max(...blocks.map((block) => block.length));
  return Array.from({ length: longest }, (_, at) => blocks.flatMap((block) => block.slice(at, at + 1))).flat();
}

/**
 * Everything that is drawn into the symbol, in order.
 * @param {string} text
 * @param {number} version
 * @returns {number[]}
 */
export function codewords(text, version) {
  const layout = LEVEL_M[version - 1];
  const data = dataCodewords(text, version);
  const lengths = layout.blocks.flatMap(([count, length]) => new Array(count).fill(length));
  let from = 0;
  const blocks = lengths.map((length) => data.slice(from, (from += length)));
  const corrections = blocks.map((block) => correction(block, layout.correction));
  return [...interleaved(blocks), ...interleaved(corrections)];
}
