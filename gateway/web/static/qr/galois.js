/** Reed–Solomon over GF(256), polynomial x⁸+x⁴+x³+x²+1, as QR codes use it (ISO/IEC 18004, 8.5). */

const EXP = new Uint8Array(512);
const LOG = new Uint8Array(256);

for (let power = 0, value = 1; power < 255; power++) {
  EXP[power] = EXP[power + 255] = value;
  LOG[value] = power;
  value = (value << 1) ^ (value & 0x80 ? 0x11d : 0);
}

/**
 * @param {number} left
 * @param {number} right
 */
function times(left, right) {
  return left === 0 || right === 0 ? 0 : EXP[LOG[left] + LOG[right]];
}

/** @param {number} degree */
function generator(degree) {
  let poly = [1];
  for (let root = 0; root < degree; root++) {
    const next = [...poly, 0];
    poly.forEach((factor, at) => (next[at + 1] ^= times(factor, EXP[root])));
    poly = next;
  }
  return poly;
}

/**
 * The error-correction codewords of one block.
 * @param {number[]} data
 * @param {number} count how many
 * @returns {number[]}
 */
export function correction(data, count) {
  const poly = generator(count);
  const rest = [...data, ...new Array(count).fill(0)];
  for (let at = 0; at < data.length; at++) {
    const lead = rest[at];
    poly.forEach((factor, step) => (rest[at + step] ^= times(factor, lead)));
  }
  return rest.slice(data.length);
}
