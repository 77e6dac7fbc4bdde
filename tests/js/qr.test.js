/** Our QR symbols equal python-qrcode's, module by module (tests/vectors/make_qr.py). */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { penalty } from "../../gateway/web/static/qr/penalty.js";
import { matrix, outline } from "../../gateway/web/static/qr/qr.js";

const vectors = JSON.parse(readFileSync(new URL("../vectors/qr.json", import.meta.url), "utf8"));
const rows = (grid) => grid.map((row) => row.map(Number).join(""));

for (const { text, version, mask, rows: expected } of vectors.symbols) {
  test(`version ${version}, mask ${mask}, ${text.length} characters`, () => {
    assert.deepEqual(rows(matrix(text, mask)), expected);
  });
}

test("the mask chosen is the one with the lowest penalty", () => {
  const chosen = penalty(matrix("https://gateway.example/f/x#y"));
  const all = [0, 1, 2, 3, 4, 5, 6, 7].map((mask) => penalty(matrix("https://gateway.example/f/x#y", mask)));
  assert.equal(chosen, Math.min(...all));
});

test("a text of 998 bytes is refused, not cut", () => {
  assert.throws(() => matrix("x".repeat(998)), RangeError);
});

test("the outline has a quiet zone of four modules and draws every dark module", () => {
  const grid = matrix("quiet");
  const { size, path } = outline(grid);
  assert.equal(size, grid.length + 8);
  const drawn = [...path.matchAll(/h(\d+)v1/g)].reduce((sum, run) => sum + Number(run[1]), 0);
  assert.equal(drawn, grid.flat().filter(Boolean).length);
});
