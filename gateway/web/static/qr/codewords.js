/** Text to codewords: byte mode, error-correction level M, versions 1 to 10. */

import { correction } from "./galois.js";

/**
 * Per version: correction codewords per block, then the data codewords of each block (ISO/IEC 18004, table 9).
 * @type {ReadonlyArray<{correction: number, blocks: readonly number[]}>}
 */
const LEVEL_M = [
  { correction: 10, blocks: [16] },
  { correction: 16, blocks: [28] },
  { correction: 26, blocks: [44] },
  { correction: 18, blocks: [32, 32] },
  { correction: 24, blocks: [43, 43] },
  { correction: 16, blocks: [27, 27, 27, 27] },
  { correction: 18, blocks: [31, 31, 31, 31] },
  { correction: 22, blocks: [38, 38, 39, 39] },
  { correction: 22, blocks: [36, 36, 36, 37, 37] },
  { correction: 26, blocks: [43, 43, 43, 43, 44] },
];

/** @param {readonly number[]} numbers */
const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);

/** @param {number} version */
const lengthBits = (version) => (version < 10 ? 8 : 16);

/**
 * The smallest version that holds so many bytes.
 * @param {number} bytes
 * @returns {number}
 * @throws {RangeError} above version 10 (213 bytes)
 */
export function versionFor(bytes) {
  const index = LEVEL_M.findIndex(({ blocks }, at) => 4 + lengthBits(at + 1) + 8 * bytes <= 8 * sum(blocks));
  if (index < 0) throw new RangeError("too long for a QR code of version 10");
  return index + 1;
}

/**
 * @param {Uint8Array} bytes
 * @param {number} version
 * @returns {number[]} data codewords, padded to what the version holds
 */
function dataCodewords(bytes, version) {
  /** @type {number[]} */
  const bits = [];
  /** @type {(value: number, width: number) => void} */
  const put = (value, width) => {
    for (let bit = width - 1; bit >= 0; bit--) bits.push((value >> bit) & 1);
  };
  put(0b0100, 4);
  put(bytes.length, lengthBits(version));
  bytes.forEach((byte) => put(byte, 8));
  const room = sum(LEVEL_M[version - 1].blocks) * 8;
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
 * @param {Uint8Array} bytes
 * @param {number} version
 * @returns {number[]}
 */
export function codewords(bytes, version) {
  const layout = LEVEL_M[version - 1];
  const data = dataCodewords(bytes, version);
  let from = 0;
  const blocks = layout.blocks.map((length) => data.slice(from, (from += length)));
  const corrections = blocks.map((block) => correction(block, layout.correction));
  return [...interleaved(blocks), ...interleaved(corrections)];
}
