/** The square itself: finder, alignment and timing patterns, format and version bits, and the zigzag of data. */

/** @typedef {(boolean | null)[][]} Grid rows of modules: dark, light, or not yet drawn */

/** Per version: rows and columns of the alignment patterns' centres (ISO/IEC 18004, annex E). */
const ALIGNMENT = [
  [],
  [6, 18],
  [6, 22],
  [6, 26],
  [6, 30],
  [6, 34],
  [6, 22, 38],
  [6, 24, 42],
  [6, 26, 46],
  [6, 28, 50],
  [6, 30, 54],
  [6, 32, 58],
  [6, 34, 62],
  [6, 26, 46, 66],
  [6, 26, 48, 70],
  [6, 26, 50, 74],
  [6, 30, 54, 78],
  [6, 30, 56, 82],
  [6, 30, 58, 86],
  [6, 34, 62, 90],
  [6, 28, 50, 72, 94],
  [6, 26, 50, 74, 98],
  [6, 30, 54, 78, 102],
  [6, 28, 54, 80, 106],
  [6, 32, 58, 84, 110],
];

/** Which modules each of the eight masks inverts. */
/** @type {ReadonlyArray<(row: number, column: number) => boolean>} */
export const MASKS = [
  (row, column) => (row + column) % 2 === 0,
  (row) => row % 2 === 0,
  (_, column) => column % 3 === 0,
  (row, column) => (row + column) % 3 === 0,
  (row, column) => (Math.floor(row / 2) + Math.floor(column / 3)) % 2 === 0,
  (row, column) => ((row * column) % 2) + ((row * column) % 3) === 0,
  (row, column) => (((row * column) % 2) + ((row * column) % 3)) % 2 === 0,
  (row, column) => (((row + column) % 2) + ((row * column) % 3)) % 2 === 0,
];

/**
 * A symbol under one mask.
 * @param {number} version
 * @param {number[]} words codewords in drawing order
 * @param {number} mask 0 to 7
 * @returns {boolean[][]}
 */
export function draw(version, words, mask) {
  const size = 17 + 4 * version;
  /** @type {Grid} */
  const grid = Array.from({ length: size }, () => new Array(size).fill(null));
  drawPatterns(grid, version);
  drawFormat(grid, mask);
  if (version >= 7) drawVersion(grid, version);
  drawData(grid, words, MASKS[mask]);
  return /** @type {boolean[][]} */ (grid);
}

/**
 * @param {Grid} grid
 * @param {number} version
 */
function drawPatterns(grid, version) {
  const last = grid.length - 7;
  for (const [row, column] of [[0, 0], [0, last], [last, 0]]) drawFinder(grid, row, column);
  const centres = ALIGNMENT[version - 1];
  for (const row of centres) {
    for (const column of centres) {
      if (grid[row][column] === null) drawSquare(grid, row, column, 2, (ring) => ring !== 1);
    }
  }
  for (let at = 8; at < grid.length - 8; at++) {
    grid[6][at] = grid[at][6] = at % 2 === 0;
  }
}

/**
 * @param {Grid} grid
 * @param {number} row
 * @param {number} column
 */
function drawFinder(grid, row, column) {
  drawSquare(grid, row + 3, column + 3, 4, (ring) => ring !== 2 && ring !== 4);
}

/**
 * Concentric square rings round a centre, cut at the edge.
 * @param {Grid} grid
 * @param {number} row
 * @param {number} column
 * @param {number} radius
 * @param {(ring: number) => boolean} dark
 */
function drawSquare(grid, row, column, radius, dark) {
  for (let y = -radius; y <= radius; y++) {
    for (let x = -radius; x <= radius; x++) {
      if (grid[row + y]?.[column + x] !== undefined) {
        grid[row + y][column + x] = dark(Math.max(Math.abs(y), Math.abs(x)));
      }
    }
  }
}

/**
 * `value` followed by its BCH remainder.
 * @param {number} value
 * @param {number} poly
 * @param {number} width bits of the remainder
 */
function withRemainder(value, poly, width) {
  let rest = value << width;
  for (let bit = 31 - Math.clz32(rest); bit >= width; bit = 31 - Math.clz32(rest)) rest ^= poly << (bit - width);
  return (value << width) | rest;
}

/**
 * Level M is 00; fifteen bits, drawn twice, and the dark module.
 * @param {Grid} grid
 * @param {number} mask
 */
function drawFormat(grid, mask) {
  const bits = withRemainder(mask, 0x537, 10) ^ 0x5412;
  const size = grid.length;
  for (let at = 0; at < 15; at++) {
    const dark = ((bits >> at) & 1) === 1;
    grid[at < 6 ? at : at < 8 ? at + 1 : size - 15 + at][8] = dark;
    grid[8][at < 8 ? size - at - 1 : at < 9 ? 15 - at : 14 - at] = dark;
  }
  grid[size - 8][8] = true;
}

/**
 * @param {Grid} grid
 * @param {number} version
 */
function drawVersion(grid, version) {
  const bits = withRemainder(version, 0x1f25, 12);
  for (let at = 0; at < 18; at++) {
    const [near, far] = [Math.floor(at / 3), (at % 3) + grid.length - 11];
    grid[near][far] = grid[far][near] = ((bits >> at) & 1) === 1;
  }
}

/**
 * Two columns at a time from the right, up and down in turn, past the vertical timing line.
 * @param {Grid} grid
 * @param {number[]} words
 * @param {(row: number, column: number) => boolean} inverted
 */
function drawData(grid, words, inverted) {
  let at = 0;
  const put = (/** @type {number} */ row, /** @type {number} */ column) => {
    if (grid[row][column] !== null) return;
    const bit = ((words[at >> 3] ?? 0) >> (7 - (at & 7))) & 1;
    grid[row][column] = (bit === 1) !== inverted(row, column);
    at++;
  };
  let upward = true;
  for (let right = grid.length - 1; right > 0; right -= right === 8 ? 3 : 2) {
    for (let step = 0; step < grid.length; step++) {
      const row = upward ? grid.length - 1 - step : step;
      put(row, right);
      put(row, right - 1);
    }
    upward = !upward;
  }
}
